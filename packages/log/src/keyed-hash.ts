import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { encodeCborInto } from "./cbor.ts";
import { recordError } from "./errors.ts";

/** SHA-256 of bytes. The host may lend one that is faster than the built-in, e.g. Node's one-shot `hash`. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

// HMAC as two one-shot hashes over kept blocks: it runs six times a record, mostly with a fresh key, where a hash object's
// set-up costs more than the hashing. Both blocks are written anew in each call, which nothing interrupts.
const innerBlock = new Uint8Array(4096).fill(0x36, 32, 64);
const outerBlock = new Uint8Array(96).fill(0x5c, 32, 64);

/** What is hashed: a label that keeps uses apart, the field, its value. */
export type KeyedItem = readonly [label: string, field: number | string, value: string | Uint8Array];

/** HMAC-SHA256 (RFC 2104) of the CBOR of an item under a key of 32 bytes. Throws ERR_AUDIT_RECORD for another length. */
export function keyedHash(key: Uint8Array, item: KeyedItem, sha256: Sha256 = nobleSha256): Uint8Array {
  if (key.length !== 32) throw recordError("a salt or key is not 32 bytes");
  const most = 128 + 3 * item[2].length;
  const inner = most <= innerBlock.length ? innerBlock : new Uint8Array(most).fill(0x36, 32, 64);
  const end = 64 + encodeCborInto(item, inner.subarray(64));
  for (let at = 0; at < 32; at++) {
    const byte = key[at] as number;
    inner[at] = byte ^ 0x36;
    outerBlock[at] = byte ^ 0x5c;
  }
  outerBlock.set(sha256(inner.subarray(0, end)), 64);
  return sha256(outerBlock);
}
