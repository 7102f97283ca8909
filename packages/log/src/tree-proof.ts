import { equalBytes, isCount } from "./encoding.ts";
import { proofError } from "./errors.ts";
import { emptyRoot, nodeHash, type HashPath } from "./tree.ts";

/** Root that an inclusion path leads to (RFC 9162 section 2.1.3.2). Throws ERR_AUDIT_PROOF when the path does not fit the tree. */
export function rootFromInclusion(index: number, size: number, leaf: Uint8Array, path: HashPath): Uint8Array {
  if (!isCount(index) || !isCount(size) || index >= size) throw proofError("the index is outside the tree");
  if (![leaf, ...path].every(isHash)) throw proofError("a hash is not 32 bytes");
  const sides = sidesUp(index, size - 1, path.length);
  if (sides === undefined) throw proofError("the inclusion path is not of the tree's height");
  return path.reduce((hash, other, at) => (sides[at] === "left" ? nodeHash(other, hash) : nodeHash(hash, other)), leaf);
}

/** True when `leaf` stands at `index` in the tree of that size and root. Never throws. */
export function isInclusion(index: number, size: number, leaf: Uint8Array, path: HashPath, root: Uint8Array): boolean {
  try {
    return equalBytes(rootFromInclusion(index, size, leaf, path), root);
  } catch {
    return false;
  }
}

/**
 * True when the tree of `to` leaves is an append to that of `from` (RFC 9162 section 2.1.4.2). Never throws.
 * From nothing, and between equal sizes, the proof is empty.
 */
export function isConsistency(
  from: number,
  to: number,
  fromRoot: Uint8Array,
  toRoot: Uint8Array,
  proof: HashPath,
): boolean {
  if (!isCount(from) || !isCount(to) || from > to || ![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === 0 && !equalBytes(fromRoot, emptyRoot)) return false;
  if (from === to) return proof.length === 0 && equalBytes(fromRoot, toRoot);
  if (from === 0) return proof.length === 0;
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  // At a power of two the old root is itself the first hash, and the proof does not repeat it.
  const [first, ...rest] = node === 0 ? [fromRoot, ...proof] : proof;
  const sides = sidesUp(node, last, rest.length);
  if (first === undefined || sides === undefined) return false;
  let [old, grown] = [first, first];
  for (const [at, hash] of rest.entries()) {
    if (sides[at] === "left") old = nodeHash(hash, old);
    grown = sides[at] === "left" ? nodeHash(hash, grown) : nodeHash(grown, hash);
  }
  return equalBytes(old, fromRoot) && equalBytes(grown, toRoot);
}

/**
 * On which side each of `count` hashes joins on the way up from a node to the root, where `last` is the last node of the same
 * level; undefined when the way has another length.
 */
function sidesUp(node: number, last: number, count: number): ("left" | "right")[] | undefined {
  const sides: ("left" | "right")[] = [];
  for (let [at, end] = [node, last]; end > 0; [at, end] = [Math.floor(at / 2), Math.floor(end / 2)]) {
    if (at % 2 === 1) sides.push("left");
    else if (at < end) sides.push("right");
    // else it is a last node without a neighbour, which rises unchanged
  }
  return sides.length === count ? sides : undefined;
}

function isHash(hash: Uint8Array): boolean {
  return hash.length === 32;
}
