import { createHash, randomBytes, sign, type KeyObject } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

/** A client's key, made by another library than the one under test. */
export interface ClientKey {
  readonly alg: "ES256" | "EdDSA";
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** Makes a client's key. */
export async function makeClientKey(alg: "ES256" | "EdDSA" = "ES256"): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: await exportJWK(publicKey) };
}

/** Members to put in place of, or beside, those of a good proof; undefined leaves one out. */
export interface ProofChange {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** What a good proof of these tests says; `at` is in Unix seconds. */
export function proofPayload(at: number, nonce: string): Record<string, unknown> {
  return {
    jti: randomBytes(12).toString("base64url"),
    htm: "POST",
    htu: "https://keys.example/v1/credentials",
    iat: at,
    nonce,
  };
}

/** Signs a DPoP proof with jose. */
export async function signProof(key: ClientKey, payload: object, change: ProofChange = {}): Promise<string> {
  return new SignJWT({ ...payload, ...change.payload })
    .setProtectedHeader({ typ: "dpop+jwt", alg: key.alg, jwk: key.jwk, ...change.header })
    .sign(key.privateKey);
}

/** Puts a JWS together by hand, for headers that no library would sign. */
export function assembleProof(header: object, payload: object, signature: (input: Buffer) => Uint8Array): string {
  const input = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${input}.${Buffer.from(signature(Buffer.from(input))).toString("base64url")}`;
}

/** `ath` of RFC 9449 section 4.2. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

/** A signature in the form of JWS, by node:crypto. */
export function signRaw(key: KeyObject): (input: Buffer) => Uint8Array {
  return (input) => sign("sha256", input, { key, dsaEncoding: "ieee-p1363" });
}
