// DPoP proofs (RFC 9449) as cheaply as a client can make them: the bare key object signs in DER, the 64 bytes are cut out by hand.
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign } from "node:crypto";

const encode = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A client's key, and the header of all its proofs. */
export class ProofKey {
  /** @param {import("node:crypto").KeyObject} privateKey */
  constructor(privateKey) {
    const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: "jwk" });
    this.privateKey = privateKey;
    this.header = encode({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } });
  }

  static make() {
    return new ProofKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  }

  /** @param {string} pem as `toPem` gave it */
  static fromPem(pem) {
    return new ProofKey(createPrivateKey(pem));
  }

  toPem() {
    return String(this.privateKey.export({ format: "pem", type: "pkcs8" }));
  }

  /** @param {{ htm: string, htu: string, jti: string, iat: number, nonce?: string, ath?: string }} claims */
  prove(claims) {
    const input = `${this.header}.${encode(claims)}`;
    return `${input}.${rawSignature(sign("sha256", Buffer.from(input), this.privateKey))}`;
  }
}

/** `ath` of a token. */
export const hashToken = (/** @type {string} */ token) => hash("sha256", token, "base64url");

/** R and S of an ECDSA signature in DER, 32 bytes each. */
function rawSignature(/** @type {Buffer} */ der) {
  const raw = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der.readUInt8(at + 1);
    const number = der.subarray(at + 2, at + 2 + length);
    const digits = number.length > 32 ? number.subarray(number.length - 32) : number;
    digits.copy(raw, end - digits.length);
    at += 2 + length;
  }
  return raw.toString("base64url");
}
