import { canonicalIdentity, parseDuration, type SecretReference, type StandardSchemaV1 } from "@agentkeys/core";
import * as v from "valibot";
import type { Sender } from "./mail.ts";

/** How to reach an SMTP server (RFC 6409 submission). */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte, TLS by STARTTLS or refuse (RFC 8314), or plain text, which only a loopback host may have. */
  readonly security: "tls" | "starttls" | "none";
  readonly login: { readonly username: string; readonly password: SecretReference } | undefined;
}

/** How to reach Amazon SES. */
export interface SesSettings {
  readonly region: string;
  readonly endpoint: string | undefined;
  /** Undefined: the credentials that the AWS SDK finds by itself. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: SecretReference } | undefined;
}

/** The section `[auth.email]`, checked. Of the two transports at most one is there, with a sender. */
export interface EmailSettings {
  /** How long a link is good for. */
  readonly linkSeconds: number;
  readonly sender: Sender | undefined;
  readonly smtp: SmtpSettings | undefined;
  readonly ses: SesSettings | undefined;
}

const words = v.pipe(v.string(), v.nonEmpty("expected text"), v.regex(/^\P{Cc}*$/u, "expected no control character"));

const secret = v.union(
  [v.strictObject({ file: words }), v.strictObject({ env: words })],
  'expected a reference { file = "…" } or { env = "…" }, never the secret itself',
);

const smtp = v.pipe(
  v.strictObject({
    host: v.pipe(v.string(), v.regex(/^[0-9A-Za-z.:-]{1,253}$/u, "expected a host name or an IP address")),
    port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    security: v.optional(v.picklist(["tls", "starttls", "none"])),
    username: v.optional(words),
    password: v.optional(secret),
  }),
  v.forward(
    v.check(
      ({ security, host }) => security !== "none" || isLoopback(host),
      'expected "tls" or "starttls": only a loopback host is spoken to in plain text',
    ),
    ["security"],
  ),
  v.forward(
    v.check((value) => isPair(value.username, value.password), "expected username and password together"),
    ["password"],
  ),
  v.transform(({ host, port, security, username, password }): SmtpSettings => {
    const chosen = security ?? (port === 465 ? "tls" : "starttls");
    const login = username === undefined || password === undefined ? undefined : { username, password };
    return { host, port: port ?? (chosen === "tls" ? 465 : 587), security: chosen, login };
  }),
);

const ses = v.pipe(
  v.strictObject({
    region: v.pipe(v.string(), v.regex(/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/u, "expected a region such as eu-west-1")),
    endpoint: v.optional(
      v.pipe(v.string(), v.check(isSafeUrl, "expected an https URL, or http to a loopback address")),
    ),
    access_key_id: v.optional(words),
    secret_access_key: v.optional(secret),
  }),
  v.forward(
    v.check(
      (value) => isPair(value.access_key_id, value.secret_access_key),
      "expected access_key_id and secret_access_key together",
    ),
    ["secret_access_key"],
  ),
  v.transform(({ region, endpoint, access_key_id: accessKeyId, secret_access_key: secretAccessKey }): SesSettings => {
    const isGiven = accessKeyId !== undefined && secretAccessKey !== undefined;
    return { region, endpoint, credentials: isGiven ? { accessKeyId, secretAccessKey } : undefined };
  }),
);

const lifetime = 'expected a duration from "1m" to "45m"';

/** The schema of `[auth.email]`. Unknown keys, half a pair of credentials and what nothing would read are errors. */
export const config: StandardSchemaV1<unknown, EmailSettings> = v.pipe(
  v.strictObject({
    from: v.optional(
      v.pipe(
        v.string(),
        v.transform(parseSender),
        v.object({ name: v.string(), address: v.string() }, 'expected a sender such as "AgentKeys <login@acme.com>"'),
      ),
    ),
    transport: v.optional(v.picklist(["smtp", "ses"])),
    link_ttl: v.optional(
      v.pipe(
        v.string(),
        v.transform((value) => parseDuration(value) ?? 0),
        v.check((seconds) => Number.isInteger(seconds) && seconds >= 60 && seconds <= 2700, lifetime),
      ),
      "10m",
    ),
    smtp: v.optional(smtp),
    ses: v.optional(ses),
  }),
  v.forward(
    v.check((value) => isPair(value.from, value.transport), "expected together with transport"),
    ["from"],
  ),
  v.forward(
    v.check(
      (value) => (value.smtp !== undefined) === (value.transport === "smtp"),
      'expected exactly when transport = "smtp"',
    ),
    ["smtp"],
  ),
  v.forward(
    v.check(
      (value) => (value.ses !== undefined) === (value.transport === "ses"),
      'expected exactly when transport = "ses"',
    ),
    ["ses"],
  ),
  v.transform((value): EmailSettings => ({
    linkSeconds: value.link_ttl,
    sender: value.from,
    smtp: value.smtp,
    ses: value.ses,
  })),
);

/**
 * `Name <address>` or an address alone; undefined for anything else. The name has at most 45 UTF-8 bytes, so that it fits one
 * encoded word (RFC 2047); the address is ASCII and keeps its spelling, which a mail service may compare.
 *
 * @example parseSender("AgentKeys <login@acme.com>") // { name: "AgentKeys", address: "login@acme.com" }
 */
export function parseSender(value: string): Sender | undefined {
  const [, name = "", bracketed, bare] = /^(?:([^\p{Cc}<>"\\]*)<([^<>]*)>|([^<>]*))$/u.exec(value) ?? [];
  const address = bracketed ?? bare ?? "";
  if (!/^[\x21-\x7e]+$/u.test(address) || Buffer.byteLength(name) > 45 || !name.isWellFormed()) return undefined;
  try {
    canonicalIdentity("email", address);
  } catch {
    return undefined;
  }
  return { name: name.trim(), address };
}

function isPair(one: unknown, other: unknown): boolean {
  return (one === undefined) === (other === undefined);
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/u.test(host);
}

function isSafeUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
}
