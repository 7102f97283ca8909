import { base64url, SignJWT } from "jose";
import type { ClientKey } from "./client-key.ts";

/** What a DPoP proof is for. */
export interface ProofAsk {
  readonly method: string;
  /** The URL without query and fragment. */
  readonly url: string;
  /** The newest `DPoP-Nonce` of the broker, once there is one. */
  readonly nonce?: string | undefined;
  /** The access token sent beside the proof. */
  readonly accessToken?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** A DPoP proof (RFC 9449 section 4.2), good for one request. */
export async function makeProof(key: ClientKey, ask: ProofAsk): Promise<string> {
  const { method, url, nonce, accessToken, now } = ask;
  return new SignJWT({
    jti: base64url.encode(crypto.getRandomValues(new Uint8Array(16))),
    htm: method,
    htu: url,
    iat: Math.floor(now / 1000),
    ...(nonce === undefined ? {} : { nonce }),
    ...(accessToken === undefined ? {} : { ath: await hashToken(accessToken) }),
  })
    .setProtectedHeader({ typ: "dpop+jwt", alg: key.algorithm, jwk: key.publicJwk })
    .sign(key.privateKey);
}

async function hashToken(token: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
}
