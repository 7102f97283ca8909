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
  try {
    const claims: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(base64url.decode(payload)));
    const parsed = v.safeParse(claimsSchema, claims);
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
