import { AgentKeysError } from "@agentkeys/core";
import { parseBrokerUrl } from "@agentkeys/client";

/** What a sign-in message must name to be signed here. */
export interface SignInExpectation {
  /** The broker dialled. */
  readonly broker: string;
  /** The wallet's address, in the one spelling that messages have it in. */
  readonly address: string;
  readonly chainId: number | string;
}

/**
 * The form of a sign-in message, line by line; a scheme before the domain is not written by brokers and not accepted. The standards
 * differ in the name of the ledger, in addresses and chains, and in what stands between address and URI.
 */
export function formOf(ledger: string, address: string, beforeUri: string, chain: string): RegExp {
  return new RegExp(
    [
      `^(?<domain>[^\\s/]+) wants you to sign in with your ${ledger} account:`,
      `(?<address>${address})`,
      beforeUri,
      "URI: (?<uri>\\S+)",
      "Version: 1",
      `Chain ID: (?<chain>${chain})`,
      "Nonce: [A-Za-z0-9]{8,}",
      "Issued At: [^\\n]+(?:\\nExpiration Time: [^\\n]+)?(?:\\nNot Before: [^\\n]+)?(?:\\nRequest ID: [^\\n]*)?" +
        "(?:\\nResources:(?:\\n- [^\\n]+)*)?$",
    ].join("\\n"),
    "u",
  );
}

/**
 * Throws ERR_AUTH_BROKER unless the text is in the form, and names exactly this broker, wallet and chain: a broker in between would
 * ask for a signature over the name of another one.
 */
export function assertFields(text: string, form: RegExp, standard: string, expected: SignInExpectation): void {
  const found = form.exec(text)?.groups;
  if (found === undefined) throw refuse(`a sign-in message (${standard})`, "another text");
  const { domain = "", address = "", uri = "", chain = "" } = found;
  const host = new URL(expected.broker).host;
  if (domain !== host) throw refuse(host, domain);
  if (!isBroker(uri, expected.broker)) throw refuse(expected.broker, uri);
  if (address !== expected.address) throw refuse(expected.address, address);
  if (chain !== String(expected.chainId)) throw refuse(`chain ${expected.chainId}`, `chain ${chain}`);
}

function isBroker(uri: string, broker: string): boolean {
  try {
    return parseBrokerUrl(uri) === broker;
  } catch {
    return false;
  }
}

function refuse(expected: string, found: string): AgentKeysError<"ERR_AUTH_BROKER"> {
  return new AgentKeysError(
    "ERR_AUTH_BROKER",
    `the message to sign names ${JSON.stringify(found)} where it must name ${JSON.stringify(expected)}; nothing was signed`,
    { expected, found },
  );
}
