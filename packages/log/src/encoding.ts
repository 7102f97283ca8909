import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { proofError } from "./errors.ts";

/** Standard padded base64 (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // In pieces, because a call takes only so many arguments; `apply`, because spreading costs seven times as much.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  }
  return btoa(binary);
}

/**
 * The bytes of canonical padded base64: no blanks, no missing padding, no stray last bits. Throws ERR_AUDIT_PROOF otherwise.
 *
 * @example fromBase64("AQI=") // Uint8Array [1, 2]
 */
export function fromBase64(text: string): Uint8Array {
  const binary = /^[A-Za-z0-9+/]*={0,2}$/u.test(text) && text.length % 4 === 0 ? atob(text) : "";
  // What atob drops without a word, the stray last bits, is not written back.
  if (btoa(binary) !== text) throw proofError("base64 is not canonical");
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The 32 bytes of a hash in canonical padded base64. Throws ERR_AUDIT_PROOF otherwise. */
export function hashFromBase64(text: string): Uint8Array {
  const hash = fromBase64(text);
  if (hash.length !== 32) throw proofError("a hash is not 32 bytes");
  return hash;
}

/** Lower-case hex. */
export const toHex: (bytes: Uint8Array) => string = bytesToHex;

/** The bytes of lower-case hex. Throws ERR_AUDIT_PROOF on anything else, upper case included. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-f]/u.test(text)) throw proofError("hex is not lower-case pairs");
  return hexToBytes(text);
}

/** True when both hold the same bytes. Takes time by length and content: for public values only. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** A whole number from 0 to 2^53-1 in decimal without sign or leading zero. Throws ERR_AUDIT_PROOF otherwise. */
export function parseCount(text: string): number {
  const count = /^(?:0|[1-9][0-9]{0,15})$/u.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(count)) throw proofError("a number is not canonical decimal up to 2^53-1");
  return count;
}

/** True for a whole number from 0 to 2^53-1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** True for text of whole code points in Unicode normalization form C. */
export function isPlainText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed() && value.normalize("NFC") === value;
}
