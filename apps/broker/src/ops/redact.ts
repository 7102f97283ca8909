import type { Json } from "@agentkeys/core";

/** What stands in a line in place of a secret. */
export const redacted = "[redacted]";

/** A member of such a name is never written, whatever it holds. */
const secretNames =
  /token|secret|passw|passphrase|authorization|cookie|proof|signature|private|mnemonic|seed|api_?key|(user|claim|device|invite|recovery)_code/iu;

/**
 * Forms of what must not be read in a log: private keys in PEM; JWS and JWT, whole or in part; refresh tokens; 32 bytes or more in
 * base64url; signatures and keys in hex with 0x; codes for people; the query and fragment of a link.
 */
const secretForms: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END|$)/gu,
  /\beyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){0,2}/gu,
  /\bses_[0-9a-z]{26}\.[A-Za-z0-9_-]+/gu,
  /0x[0-9a-fA-F]{64,}/gu,
  // An account, a log id or a hash of something public is 64 hex digits.
  /(?<![A-Za-z0-9_-])(?![0-9a-f]{64}(?![A-Za-z0-9_-]))[A-Za-z0-9_-]{43,}/gu,
  /\b[0-9a-hjkmnp-tv-z]{26}\b/giu,
  /\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b/gu,
  /(?<=:\/\/[^\s?#]+)[?#][^\s"')>]+/gu,
];

/** Takes what looks like a secret out of a text. Public hashes of 64 hex digits and ids stay. */
export function redact(text: string): string {
  return secretForms.reduce((left, form) => left.replaceAll(form, redacted), text);
}

/** The same of every text in JSON, and of every member whose name says that it is a secret. */
export function redactFields(fields: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, secretNames.test(name) ? redacted : redactValue(value)]),
  );
}

function redactValue(value: Json): Json {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return (value as readonly Json[]).map(redactValue);
  if (typeof value === "object" && value !== null) return redactFields(value as Readonly<Record<string, Json>>);
  return value;
}
