import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { IdentityTokenAsk, IssueOrder, Json } from "@agentkeys/core";

/** The broker's maker of identity tokens, as an issuer and its far side see it: real keys, real signatures. */
export interface IdentityTokens {
  /** The `iss` of the tokens. */
  readonly issuer: string;
  /** JSON Web Key Set (RFC 7517) that verifies them. */
  readonly jwks: { readonly keys: readonly { readonly [member: string]: Json }[] };
  /** The compact JWT (RFC 7519) for an order, as the broker makes it. */
  make(ask: IdentityTokenAsk, order: Omit<IssueOrder, "identityToken">): string;
}

/**
 * Makes fresh keys, P-256 and RSA 2048, and tokens of the broker's form: `sub` is `agentkeys:agent:…`, `jti` the order's
 * credential id, and `agentkeys` holds account, agent, grant and record.
 */
export function createIdentityTokens(issuer = "https://keys.example"): IdentityTokens {
  const keys = {
    ES256: makeKey("ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })),
    RS256: makeKey("RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })),
  };
  return {
    issuer,
    jwks: { keys: [keys.ES256.jwk, keys.RS256.jwk] },
    make({ audience, algorithm, claims: asked = {} }, order) {
      const { account, agent, grant, record } = order;
      const { kid, privateKey } = keys[algorithm];
      const header = { alg: algorithm, kid, typ: "JWT" };
      const claims = {
        ...(fill(asked, { account, agent, grant, record }) as object),
        iss: issuer,
        sub: `agentkeys:agent:${agent}`,
        aud: audience,
        iat: order.issuedAt,
        exp: order.expiresAt,
        jti: order.credentialId,
        agentkeys: { account, agent, grant, record },
      };
      const signed = `${toBase64Url(header)}.${toBase64Url(claims)}`;
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}

/** Puts the recorded step's values where an ask has their names in braces. */
function fill(value: Json, step: Readonly<Record<string, string>>): Json {
  if (typeof value === "string") return step[/^\{(\w+)\}$/u.exec(value)?.[1] ?? ""] ?? value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => fill(item, step));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, step)]));
}

function makeKey(alg: string, pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }) {
  const { privateKey } = pair;
  const members = pair.publicKey.export({ format: "jwk" }) as Readonly<Record<string, string>>;
  const kid = createHash("sha256").update(JSON.stringify(members)).digest("base64url");
  return { kid, privateKey, jwk: { ...members, alg, kid, use: "sig" } };
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
