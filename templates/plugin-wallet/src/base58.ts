const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Base58 as Bitcoin and Solana write it: each zero byte in front is a `1`. */
export function toBase58(bytes: Uint8Array): string {
  let rest = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = "";
  for (; rest > 0n; rest /= 58n) text = ALPHABET.charAt(Number(rest % 58n)) + text;
  return "1".repeat(zerosBefore(bytes)) + text;
}

/** The bytes, when the text is exactly `size` of them; else undefined. A number has one spelling of a given size. */
export function fromBase58(text: string, size: number): Uint8Array | undefined {
  // A byte takes at most 1.37 characters: longer text is refused before any arithmetic.
  if (text.length > Math.ceil(size * 1.37) || !/^[1-9A-HJ-NP-Za-km-z]+$/u.test(text)) return undefined;
  const value = [...text].reduce((sum, letter) => sum * 58n + BigInt(ALPHABET.indexOf(letter)), 0n);
  const hex = value.toString(16).padStart(size * 2, "0");
  const bytes = hex.length === size * 2 ? Uint8Array.from(Buffer.from(hex, "hex")) : undefined;
  return bytes !== undefined && toBase58(bytes) === text ? bytes : undefined;
}

function zerosBefore(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? bytes.length : first;
}
