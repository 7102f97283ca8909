import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from "node:crypto";

/** A compact JWS (RFC 7515) by an Ed25519 key (`EdDSA`, RFC 8037). The same input is the same text. */
export function signJws(header: object, payload: string, key: KeyObject): string {
  const input = [JSON.stringify(header), payload].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}

/** The Ed25519 private key of a PEM (PKCS#8, RFC 8410), or undefined. */
export function parseSigningKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The key's JWK thumbprint (RFC 7638, RFC 8037 appendix A.3): who verifies finds the key by it. */
export function keyId(key: KeyObject): string {
  const { crv, kty, x } = createPublicKey(key).export({ format: "jwk" });
  return hash("sha256", JSON.stringify({ crv, kty, x }), "base64url");
}
