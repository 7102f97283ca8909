import { createPublicKey, verify } from "node:crypto";
import { base58 } from "@scure/base";

/** The bytes of base58 text that stands for exactly `size` of them, or undefined. */
function decode(text: string, size: number): Buffer | undefined {
  // Decoding takes time by the square of the length.
  if (text.length > 96) return undefined;
  try {
    const bytes = base58.decode(text);
    return bytes.length === size ? Buffer.from(bytes) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Why the text is no address that somebody can hold the key of, or undefined: it is the base58 of the 32 bytes of an Ed25519 public
 * key (RFC 8032) in its one spelling, and not one of the points of small order (`1111…`, the system program, is one), for which
 * anybody can make a signature.
 */
export function findAddressFault(address: string): string | undefined {
  const key = decode(address, 32);
  if (key === undefined) return "a Solana address is the base58 of 32 bytes";
  const y = BigInt(`0x${Buffer.from(key.toReversed()).toString("hex")}`) & ((1n << 255n) - 1n);
  if (y >= fieldPrime || smallOrder.has(y)) return "nobody holds the key of this Solana address";
  return undefined;
}

const fieldPrime = (1n << 255n) - 19n;

/** The y of the eight points whose order divides 8: those of order 4, 1, 2, and both of order 8. */
const smallOrder: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  fieldPrime - 1n,
  2_707_385_501_144_840_649_318_225_287_225_658_788_936_804_267_575_313_519_463_743_609_750_303_402_022n,
  fieldPrime - 2_707_385_501_144_840_649_318_225_287_225_658_788_936_804_267_575_313_519_463_743_609_750_303_402_022n,
]);

/** DER of an Ed25519 public key up to its 32 bytes (RFC 8410). */
const keyPrefix = Buffer.from("302a300506032b6570032100", "hex");

/**
 * True when the base58 signature is by the address over the text's UTF-8 bytes (Ed25519). The address must have passed
 * {@link findAddressFault}. A signature with an s that is not reduced is refused, so a message has one signature by a key and nonce.
 */
export function isSolanaSignature(address: string, text: string, signature: string): boolean {
  const key = decode(address, 32);
  const bytes = decode(signature, 64);
  if (key === undefined || bytes === undefined) return false;
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([keyPrefix, key]), format: "der", type: "spki" });
    return verify(null, Buffer.from(text), publicKey, bytes);
  } catch {
    // About half of all 32 bytes are no point of the curve: addresses of programs.
    return false;
  }
}
