/** Half of the order of secp256k1: of the two signatures that hold for a message, EIP-2 takes the one whose s is not above it. */
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * Why a key's signature is refused before anything is recovered from it, or undefined: it is r, s and v in 65 bytes, with a low s and
 * v 27 or 28, so that a message has exactly one signature by a key and nonce. The compact form of EIP-2098 is not taken.
 */
export function findSignatureFault(signature: string): string | undefined {
  const [, s, v] = /^0x[0-9a-f]{64}([0-9a-f]{64})([0-9a-f]{2})$/iu.exec(signature) ?? [];
  if (s === undefined || v === undefined) return "the signature is not 0x and 130 hex digits";
  if (v.toLowerCase() !== "1b" && v.toLowerCase() !== "1c") return "the signature's last byte is not 27 or 28";
  return BigInt(`0x${s}`) > halfOrder ? "the signature's s is in the upper half of its range (EIP-2)" : undefined;
}

/** True for bytes in hex that a contract wallet may take for a signature, of any length. */
export function isHexBytes(signature: string): boolean {
  return /^0x(?:[0-9a-f]{2})*$/iu.test(signature);
}

/** True for the signature of a contract wallet that is not there yet, or not ready (ERC-6492). */
export function isWrapped(signature: string): boolean {
  return signature.endsWith("6492".repeat(16));
}
