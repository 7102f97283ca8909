import { equalBytes } from "./encoding.ts";
import { proofError } from "./errors.ts";
import { emptyRoot, nodeHash } from "./tree.ts";

/** Root that an inclusion path leads to (RFC 9162 section 2.1.3.2). Throws ERR_AUDIT_PROOF when the path does not fit the tree. */
export function rootFromInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Uint8Array {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) {
    throw proofError("the index is outside the tree");
  }
  let node = index;
  let last = size - 1;
  let hash = assertHash(leaf);
  for (const sibling of path) {
    if (last === 0) throw proofError("the inclusion path is too long");
    assertHash(sibling);
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node > 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw proofError("the inclusion path is too short");
  return hash;
}

/** True when `leaf` stands at `index` in the tree of that size and root. Never throws for a bad proof. */
export function isInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  try {
    return equalBytes(rootFromInclusion(index, size, leaf, path), root);
  } catch {
    return false;
  }
}

/**
 * True when the tree of `to` leaves is an append to that of `from` (RFC 9162 section 2.1.4.2). Never throws for a bad proof.
 * From nothing, and between equal sizes, the proof is empty.
 */
export function isConsistency(
  from: number,
  to: number,
  fromRoot: Uint8Array,
  toRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to)) return false;
  if (![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === to)
    return proof.length === 0 && equalBytes(fromRoot, toRoot) && (to > 0 || equalBytes(toRoot, emptyRoot));
  if (from === 0) return proof.length === 0 && equalBytes(fromRoot, emptyRoot);
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  // At a power of two the old root is itself the first hash, and is not repeated in the proof.
  const hashes = node === 0 ? [fromRoot, ...proof] : [...proof];
  const first = hashes.shift();
  if (first === undefined) return false;
  let old = first;
  let grown = first;
  for (const hash of hashes) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(hash, old);
      grown = nodeHash(hash, grown);
      while (node % 2 === 0 && node > 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      grown = nodeHash(grown, hash);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(old, fromRoot) && equalBytes(grown, toRoot);
}

function isHash(hash: Uint8Array): boolean {
  return hash.length === 32;
}

function assertHash(hash: Uint8Array): Uint8Array {
  if (!isHash(hash)) throw proofError("a hash is not 32 bytes");
  return hash;
}
