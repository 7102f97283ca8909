import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signES256, verifyES256 } from "../../src/session/es256.ts";

// RFC 7515 appendix A.3.
const example = {
  jwk: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    d: "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
  },
  input:
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
  signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
} as const;
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const bytesOf = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, "0"), "hex");
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const importForWeb = (key: KeyObject, usage: "sign" | "verify"): ReturnType<typeof crypto.subtle.importKey> =>
  crypto.subtle.importKey("jwk", key.export({ format: "jwk" }), { name: "ECDSA", namedCurve: "P-256" }, true, [usage]);
const algorithm = { name: "ECDSA", hash: "SHA-256" };

describe("ES256", () => {
  test("RFC 7515 appendix A.3: the example verifies, and its key's signatures verify", () => {
    const publicKey = createPublicKey({ key: example.jwk, format: "jwk" });
    const input = Buffer.from(example.input);
    expect(verifyES256(input, publicKey, Buffer.from(example.signature, "base64url"))).toBe(true);
    const signature = signES256(input, createPrivateKey({ key: example.jwk, format: "jwk" }));
    expect(signature).toHaveLength(64);
    expect(verifyES256(input, publicKey, signature)).toBe(true);
  });

  test("WebCrypto verifies what it signs, and it verifies what WebCrypto signs, whatever the lengths of r and s", async () => {
    const [signer, verifier] = await Promise.all([
      importForWeb(pair.privateKey, "sign"),
      importForWeb(pair.publicKey, "verify"),
    ]);
    let short = 0;
    for (let round = 0; round < 1500; round++) {
      const data = Buffer.from(`data ${round}`);
      const ours = signES256(data, pair.privateKey);
      expect(await crypto.subtle.verify(algorithm, verifier, ours, data)).toBe(true);
      const theirs = Buffer.from(await crypto.subtle.sign(algorithm, signer, data));
      expect(verifyES256(data, pair.publicKey, theirs)).toBe(true);
      if (ours[0] === 0 || ours[32] === 0 || theirs[0] === 0 || theirs[32] === 0) short++;
    }
    expect(short).toBeGreaterThan(0);
  });

  test("every one-bit change of data or signature makes it false", () => {
    const data = Buffer.from("what was signed");
    const signature = signES256(data, pair.privateKey);
    const flip = (bytes: Buffer, bit: number): Buffer => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = changed.readUInt8(bit >> 3) ^ (1 << (bit & 7));
      return changed;
    };
    for (let bit = 0; bit < 512; bit++) expect(verifyES256(data, pair.publicKey, flip(signature, bit))).toBe(false);
    for (let bit = 0; bit < data.length * 8; bit++)
      expect(verifyES256(flip(data, bit), pair.publicKey, signature)).toBe(false);
  });

  test("r and s of 0, of the order and above are refused", () => {
    const data = Buffer.from("x");
    const signature = signES256(data, pair.privateKey);
    const r = signature.subarray(0, 32);
    const s = signature.subarray(32);
    const outside = [bytesOf(0n), bytesOf(order), bytesOf(order + 1n), Buffer.alloc(32, 0xff)];
    for (const number of outside) {
      expect(verifyES256(data, pair.publicKey, Buffer.concat([number, s]))).toBe(false);
      expect(verifyES256(data, pair.publicKey, Buffer.concat([r, number]))).toBe(false);
      expect(verifyES256(data, pair.publicKey, Buffer.concat([number, number]))).toBe(false);
    }
  });

  test("anything but 64 bytes is false, and nothing throws", () => {
    const data = Buffer.from("x");
    const signature = signES256(data, pair.privateKey);
    const spread = Buffer.concat([signature.subarray(0, 32), Buffer.alloc(1), signature.subarray(32)]);
    for (const other of [
      signature.subarray(0, 63),
      Buffer.concat([signature, Buffer.alloc(1)]),
      spread,
      Buffer.alloc(0),
    ]) {
      expect(verifyES256(data, pair.publicKey, other)).toBe(false);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(verifyES256(data, pair.publicKey, Buffer.from(bytes))).toBe(false);
      }),
    );
  });
});
