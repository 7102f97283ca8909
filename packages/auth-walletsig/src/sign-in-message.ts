import { checksumAddress } from "@agentkeys/core";
import type { SiweMessage } from "siwe";

/** What a sign-in message of the broker says. */
export interface SignInMessage {
  /** Where to sign in, without a final slash. Its host and port are the message's domain. */
  readonly publicUrl: string;
  /** Lower-case 0x address. */
  readonly address: string;
  readonly chainId: number;
  /** At least 8 letters and digits. */
  readonly nonce: string;
  /** Milliseconds since the Unix epoch, in whole seconds. */
  readonly issuedAt: number;
  /** Milliseconds since the Unix epoch, in whole seconds. */
  readonly expiresAt: number;
}

const statement = "Sign in to AgentKeys. This moves no funds and lets nobody spend.";

/** The text of a sign-in message (EIP-4361), to be signed as it is. */
export function formatSignInMessage(message: SignInMessage): string {
  const { publicUrl, address, chainId, nonce, issuedAt, expiresAt } = message;
  return [
    `${new URL(publicUrl).host} wants you to sign in with your Ethereum account:`,
    checksumAddress(address),
    "",
    statement,
    "",
    `URI: ${publicUrl}`,
    "Version: 1",
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${formatInstant(issuedAt)}`,
    `Expiration Time: ${formatInstant(expiresAt)}`,
  ].join("\n");
}

function formatInstant(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/u, "Z");
}

/** The fields that must be the broker's, letter by letter. */
const boundFields = ["domain", "address", "uri", "version", "chainId", "nonce", "notBefore"] as const;

/**
 * Why a message that a client built is not as good as the broker's own, or undefined. It must be an EIP-4361 message in its one
 * spelling, with the broker's domain, address, URI, version, chain id, nonce and lifetime, and no other scheme than the URI's;
 * statement, time of issue, request id and resources are the client's own.
 */
export async function findDisagreement(text: string, brokersText: string): Promise<string | undefined> {
  // Loaded here: most clients sign the broker's own text, which needs no parser.
  const siwe = await import("siwe");
  const theirs = parse(siwe.SiweMessage, text);
  const ours = parse(siwe.SiweMessage, brokersText);
  if (theirs === undefined || ours === undefined) return "the message is not in the form of EIP-4361";
  const scheme = theirs.scheme === undefined || ours.uri.startsWith(`${theirs.scheme}://`) ? undefined : "scheme";
  const isSameEnd = Date.parse(theirs.expirationTime ?? "") === Date.parse(ours.expirationTime ?? "");
  const field =
    boundFields.find((name) => theirs[name] !== ours[name]) ?? scheme ?? (isSameEnd ? undefined : "expirationTime");
  return field === undefined ? undefined : `the message's ${field} is not the one the broker gave`;
}

function parse(Message: typeof SiweMessage, text: string): SiweMessage | undefined {
  try {
    const message = new Message(text);
    // The grammar takes `Chain ID: 01` too: what does not come back as it was is not taken.
    return message.toMessage() === text ? message : undefined;
  } catch {
    return undefined;
  }
}
