import type { Json } from "@agentkeys/core";
import { base64url } from "jose";
import * as v from "valibot";

const claimsSchema = v.object({
  jti: v.string(),
  iat: v.number(),
  exp: v.number(),
  iss: v.string(),
  sub: v.string(),
  aud: v.string(),
  agentkeys: v.object({ agent: v.string(), grant: v.string(), record: v.string() }),
});

/** Claims of a workload token that its receipt speaks of. */
export type TokenClaims = v.InferOutput<typeof claimsSchema>;

/** The claims of a compact JWT, its signature not looked at (its audience does that by JWKS). Undefined for anything else. */
export function readClaims(token: unknown): TokenClaims | undefined {
  if (typeof token !== "string") return undefined;
  // jose's decoder takes blanks and padding too, and a relying party might not read such a token as we would.
  const [, payload] = /^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/u.exec(token) ?? [];
  if (payload === undefined) return undefined;
  const parsed = v.safeParse(claimsSchema, decode(payload));
  return parsed.success ? parsed.output : undefined;
}

/** True when somewhere in a value stands a JWT's payload with this `iss`. */
export function holdsTokenOf(value: Json, issuer: string): boolean {
  const parts = JSON.stringify(value).split(/[^\w-]/u);
  return parts.some((part) => v.is(v.object({ iss: v.literal(issuer) }), decode(part)));
}

function decode(part: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(base64url.decode(part)));
  } catch {
    return undefined;
  }
}
