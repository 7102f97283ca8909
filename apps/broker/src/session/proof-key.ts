import { createPublicKey, verify, type KeyObject } from "node:crypto";
import type { Json } from "@agentkeys/core";
import { decodeBase64url } from "../json/base64url.ts";
import { thumbprint, type PublicJwk } from "../keys/thumbprint.ts";
import { verifyES256 } from "./es256.ts";
import { parseHeader } from "./jws.ts";

/** The key a DPoP proof carries in its header. */
export interface ProofKey {
  /** RFC 7638 thumbprint: `jkt` of the tokens bound to the key. */
  readonly thumbprint: string;
  verify(signingInput: Uint8Array, signature: Buffer): boolean;
}

/** Public members that say nothing about which key it is. All others but those of the key itself are refused. */
const metadata = ["kid", "use", "alg", "key_ops", "ext"];

/**
 * Reads a DPoP proof's protected header (RFC 9449 section 4.2): typ `dpop+jwt`, alg ES256 or EdDSA, and a `jwk` that is a public
 * P-256 or Ed25519 key to match. Throws SyntaxError that says what is wrong.
 */
export function parseProofKey(headerText: string): ProofKey {
  const { alg, jwk } = parseHeader(headerText, {
    typ: "dpop+jwt",
    algorithms: ["ES256", "EdDSA"],
    members: ["typ", "alg", "jwk"],
  });
  const publicJwk = parseJwk(jwk, alg === "ES256" ? "EC" : "OKP");
  const key = importKey(publicJwk);
  return {
    thumbprint: thumbprint(publicJwk),
    verify: (signingInput, signature) =>
      alg === "ES256"
        ? verifyES256(signingInput, key, signature)
        : signature.length === 64 && verify(null, signingInput, key, signature),
  };
}

function parseJwk(jwk: Json | undefined, kty: "EC" | "OKP"): PublicJwk {
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) throw new SyntaxError("jwk is not an object");
  const { kty: found, crv, x, y, ...rest } = jwk as { readonly [member: string]: Json };
  const isKnown = Object.keys(rest).every((member) => metadata.includes(member));
  if (!isKnown) throw new SyntaxError("jwk has a private or unknown member");
  if (found !== kty) throw new SyntaxError(`jwk.kty is not ${kty}, as alg demands`);
  if (!isCoordinate(x)) throw new SyntaxError("jwk.x is not 32 bytes of canonical base64url");
  if (kty === "OKP") {
    if (crv !== "Ed25519" || y !== undefined) throw new SyntaxError("jwk.crv is not Ed25519");
    return { kty, crv, x };
  }
  if (crv !== "P-256") throw new SyntaxError("jwk.crv is not P-256");
  if (!isCoordinate(y)) throw new SyntaxError("jwk.y is not 32 bytes of canonical base64url");
  return { kty, crv, x, y };
}

function isCoordinate(value: Json | undefined): value is string {
  return typeof value === "string" && decodeBase64url(value)?.length === 32;
}

function importKey(jwk: PublicJwk): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    throw new SyntaxError("jwk is no point of its curve");
  }
}
