import { checksumAddress } from "@agentkeys/core";
import type { ChainName } from "./config.ts";

/** What a sign-in message binds: who signs in where, on which chain, to which challenge. */
export interface SignInBinding {
  /** Where to sign in, without a final slash. Its host and port are the message's domain. */
  readonly publicUrl: string;
  /** Lower-case 0x address, or a Solana address in base58. */
  readonly address: string;
  /** A number for an Ethereum account, a text for a Solana account. */
  readonly chainId: ChainName;
  /** At least 8 letters and digits. */
  readonly nonce: string;
}

/** What a sign-in message of the broker says. */
export interface SignInMessage extends SignInBinding {
  /** Milliseconds since the Unix epoch, in whole seconds. */
  readonly issuedAt: number;
  /** Milliseconds since the Unix epoch, in whole seconds. */
  readonly expiresAt: number;
}

/** Longest time from issue to end, in milliseconds. */
export const longestLife: number = 45 * 60_000;

/** How far the clock of a client that builds its own message may be ahead, in milliseconds. */
const clockSkew = 60_000;

const statement = "Sign in to AgentKeys. This moves no funds and lets nobody spend.";

/** The text of a sign-in message, to be signed as it is: EIP-4361 for Ethereum, Sign-In With Solana for Solana. */
export function formatSignInMessage(message: SignInMessage): string {
  const { publicUrl, chainId, nonce, issuedAt, expiresAt } = message;
  return [
    `${new URL(publicUrl).host} wants you to sign in with your ${ledgerOf(chainId)} account:`,
    shownAddress(message),
    "",
    statement,
    "",
    `URI: ${publicUrl}`,
    "Version: 1",
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${formatInstant(issuedAt)}`,
    `Expiration Time: ${formatInstant(expiresAt)}`,
    "Resources:",
    `- ${publicUrl}/.well-known/agentkeys`,
  ].join("\n");
}

function ledgerOf(chainId: ChainName): "Ethereum" | "Solana" {
  return typeof chainId === "number" ? "Ethereum" : "Solana";
}

function shownAddress({ address, chainId }: SignInBinding): string {
  return typeof chainId === "number" ? checksumAddress(address) : address;
}

function formatInstant(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/u, "Z");
}

/** RFC 3986, piece by piece. A host in brackets is looked at again by {@link isUri}. */
const percent = "%[0-9A-Fa-f]{2}";
const pchar = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|${percent})`;
const authority = `(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|${percent})*@)?(?:\\[[0-9A-Fa-f:.]+\\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|${percent})*)(?::[0-9]*)?`;
const hierarchy = `(?://${authority}(?:/${pchar}*)*|/(?:${pchar}+(?:/${pchar}*)*)?|${pchar}+(?:/${pchar}*)*|)`;
const uriForm = new RegExp(
  `^[A-Za-z][A-Za-z0-9+.-]*:${hierarchy}(?:\\?(?:${pchar}|[/?])*)?(?:#(?:${pchar}|[/?])*)?$`,
  "u",
);

const instant = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})";

/** The message of one ledger, line by line. Between address and URI the two differ where there is no statement. */
function formOf(ledger: string, address: string, beforeUri: string): RegExp {
  return new RegExp(
    `^(?:(?<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?<domain>[^\\s/?#]+) wants you to sign in with your ${ledger} account:\\n` +
      `(?<address>${address})\\n${beforeUri}\\n` +
      `URI: (?<uri>\\S+)\\nVersion: (?<version>1)\\nChain ID: (?<chain>[a-z0-9:]+)\\nNonce: (?<nonce>[A-Za-z0-9]{8,})\\n` +
      `Issued At: (?<issued>${instant})(?:\\nExpiration Time: (?<expires>${instant}))?(?:\\nNot Before: (?<begins>${instant}))?` +
      `(?:\\nRequest ID: ${pchar}*)?(?:\\nResources:(?<resources>(?:\\n- \\S+)*))?$`,
    "u",
  );
}

const words = "[A-Za-z0-9._~:/?#[\\]@!$&'()*+,;= -]+";
const forms = {
  Ethereum: formOf("Ethereum", "0x[0-9A-Fa-f]{40}", `\\n(?:${words}\\n)?`),
  Solana: formOf("Solana", "[1-9A-HJ-NP-Za-km-z]{32,44}", `(?:\\n${words}\\n)?`),
} as const;

/**
 * Why a message that a client built is not as good as the broker's own, or undefined. It must be an EIP-4361 message (for Solana one
 * of Sign-In With Solana that names all these) in its one spelling, with the broker's domain, address, URI, version, chain id and
 * nonce, and no other scheme than the URI's; issued within the last 45 minutes, begun and not over at `now`, and good for at most 45
 * minutes. Where it names no end, the challenge's is its end. Statement, request id and resources are the client's own.
 */
export function findDisagreement(text: string, binding: SignInBinding, now: number): string | undefined {
  const ledger = ledgerOf(binding.chainId);
  const found = forms[ledger].exec(text)?.groups;
  const standard = ledger === "Ethereum" ? "EIP-4361" : "Sign-In With Solana";
  const resources = found?.["resources"]?.split("\n- ").slice(1) ?? [];
  const { issued, begins, expires } = found ?? {};
  const times = [issued, begins, expires].map((time) => (time === undefined ? undefined : parseInstant(time)));
  if (
    found === undefined ||
    times.includes(Number.NaN) ||
    ![found["uri"] ?? "", ...resources].every(isUri) ||
    !isSpelled(found["address"] ?? "", ledger)
  )
    return `the message is not in the form of ${standard}`;
  const expected = expectedFields(binding, found["scheme"]);
  const field = Object.keys(expected).find((name) => found[name] !== expected[name]);
  if (field !== undefined) return `the message's ${field} is not the one the broker gave`;
  const [issuedAt = Number.NaN, beginsAt = -Infinity, expiresAt = issuedAt + longestLife] = times;
  if (!(issuedAt <= now + clockSkew && issuedAt >= now - longestLife))
    return "the message was not issued within the last 45 minutes";
  if (beginsAt > now) return "the message is not valid yet";
  if (expiresAt <= now) return "the message has expired";
  return expiresAt - issuedAt > longestLife ? "the message is valid for more than 45 minutes" : undefined;
}

function expectedFields(binding: SignInBinding, scheme: string | undefined): Readonly<Record<string, string>> {
  const { protocol, host } = new URL(binding.publicUrl);
  return {
    domain: host,
    address: shownAddress(binding),
    uri: binding.publicUrl,
    chain: String(binding.chainId),
    nonce: binding.nonce,
    ...(scheme === undefined ? {} : { scheme: protocol.slice(0, -1) }),
  };
}

/** Milliseconds since the Unix epoch; NaN where the calendar has no such day or the day no such time. */
function parseInstant(text: string): number {
  const day = text.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Date.parse takes the 30th of February for a day in March.
  const isDay = Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day);
  return isDay && !text.includes("T24") ? Date.parse(text) : Number.NaN;
}

function isUri(text: string): boolean {
  const bracketed = /\/\/[^/?#]*(\[[^\]]*\])/u.exec(text)?.[1];
  return uriForm.test(text) && (bracketed === undefined || URL.canParse(`http://${bracketed}/`));
}

/** An Ethereum address carries its checksum (EIP-55), as EIP-4361 demands. */
function isSpelled(address: string, ledger: string): boolean {
  return ledger === "Solana" || checksumAddress(address.toLowerCase()) === address;
}
