import { sha256 } from "@noble/hashes/sha2.js";
import { isCount } from "./encoding.ts";
import { proofError } from "./errors.ts";
import type { Sha256 } from "./keyed-hash.ts";

/** Root of the tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1). */
export const emptyRoot: Uint8Array = sha256(new Uint8Array());

/** Leaf hash of entry bytes: SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const input = new Uint8Array(entry.length + 1);
  input.set(entry, 1);
  return hash(input);
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  nodeBlock.set(left, 1);
  nodeBlock.set(right, 33);
  return hash(nodeBlock);
}

// Kept, because a new block costs half as much as the hash. Written anew in each call, which nothing interrupts.
const nodeBlock = new Uint8Array(65).fill(1, 0, 1);

/** Hashes of 32 bytes: a proof, an edge, leaves. */
export type HashPath = readonly Uint8Array[];

/** A stored hash: the complete subtree number `index` (from 0) of 2^level leaves; level 0 holds the leaf hashes. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

/** Answers the hash of the complete subtree `index` of 2^`level` leaves. */
export type NodeReader = (level: number, index: number) => Uint8Array;

/** A tree after an append. */
export interface GrownTree {
  readonly size: number;
  /** Compact range: roots of the complete subtrees that make up the tree, the largest first. */
  readonly edge: HashPath;
  readonly root: Uint8Array;
  /** Every node that the append completed, level by level. */
  readonly nodes: readonly TreeNode[];
  /** Inclusion path of one of the new leaves, by its index in the log, under `root`. */
  proof(index: number): Uint8Array[];
}

/**
 * Appends leaf hashes to a tree of `size` leaves known only by its edge. Pure: neither argument is changed. `hash` is a faster
 * SHA-256 than the built-in, where the host has one; so it is for a leaf and a node.
 *
 * @example
 * const tree = growTree(0, [], [leafHash(entry)]);
 * isInclusion(0, tree.size, leafHash(entry), tree.proof(0), tree.root); // true
 */
export function growTree(size: number, edge: HashPath, leaves: HashPath, hash: Sha256 = sha256): GrownTree {
  const total = size + leaves.length;
  if (!Number.isSafeInteger(total)) throw proofError("the tree is too large");
  const ones = size.toString(2).replaceAll("0", "").length;
  if (edge.length !== ones) throw proofError("the edge does not belong to the size");
  const old = [...edge];
  const grown: Uint8Array[] = [];
  const nodes: TreeNode[] = [];
  const rows: { first: number; hashes: HashPath }[] = [];
  let row: Uint8Array[] = [...leaves];
  for (let [level, known, whole] = [0, size, total]; whole > 0; level++) {
    nodes.push(...row.slice(0, whole - known).map((node, at) => ({ level, index: known + at, hash: node })));
    // A row that would start odd gets the old node on its left, so that neighbours stand together.
    if (known % 2 === 1) row.unshift(old.pop() as Uint8Array);
    const first = known - (known % 2);
    rows.push({ first, hashes: row });
    if (whole % 2 === 1) grown.unshift(row[whole - 1 - first] as Uint8Array);
    row = pairUp(row, hash);
    [known, whole] = [Math.floor(known / 2), Math.floor(whole / 2)];
  }
  return {
    size: total,
    edge: grown,
    root: row[0] ?? emptyRoot,
    nodes,
    proof(index) {
      if (!(index >= size && index < total)) throw proofError("the leaf is not one of the new ones");
      return rows.flatMap(({ first, hashes }, level) => {
        const at = Math.floor(index / 2 ** level) - first;
        return hashes[at % 2 === 0 ? at + 1 : at - 1] ?? [];
      });
    },
  };
}

// A last node without a neighbour rises unchanged: it is the root of an incomplete right part.
function pairUp(row: HashPath, hash: Sha256): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < row.length; at += 2) {
    const [left, right] = [row[at] as Uint8Array, row[at + 1]];
    above.push(right === undefined ? left : nodeHash(left, right, hash));
  }
  return above;
}

/** Root of the first `size` leaves, from stored complete subtrees. */
export function rootAt(size: number, nodeAt: NodeReader): Uint8Array {
  return rangeHash(0, size, nodeAt);
}

/** Inclusion path of leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1), the leaf's sibling first. */
export function inclusionPath(index: number, size: number, nodeAt: NodeReader): Uint8Array[] {
  if (!isCount(index) || !isCount(size) || index >= size) throw proofError("the index is outside the tree");
  return descend(index, size, (start, end) => end - start === 1, nodeAt).path;
}

/** Consistency path from the tree of `from` leaves to that of `to` (RFC 6962 section 2.1.2); empty for 0 and for equal sizes. */
export function consistencyPath(from: number, to: number, nodeAt: NodeReader): Uint8Array[] {
  if (!isCount(from) || !isCount(to) || from > to) throw proofError("the sizes do not grow");
  if (from === 0) return [];
  const { start, path } = descend(from - 1, to, (_, end) => end === from, nodeAt);
  // The old root itself is known to the verifier; only a later part of it has to be told.
  return start === 0 ? path : [rangeHash(start, from, nodeAt), ...path];
}

/** Goes down from the root towards a leaf until `isThere`; the path holds the hashes beside the way, the lowest first. */
function descend(
  leaf: number,
  size: number,
  isThere: (start: number, end: number) => boolean,
  nodeAt: NodeReader,
): { start: number; path: Uint8Array[] } {
  const path: Uint8Array[] = [];
  let [start, end] = [0, size];
  while (!isThere(start, end)) {
    const middle = start + 2 ** levelWithin(end - start - 1);
    if (leaf < middle) {
      path.unshift(rangeHash(middle, end, nodeAt));
      end = middle;
    } else {
      path.unshift(rangeHash(start, middle, nodeAt));
      start = middle;
    }
  }
  return { start, path };
}

/** Level of the largest complete subtree within `count` leaves, by doubling: 32-bit shifts would be wrong past 2^31. */
function levelWithin(count: number): number {
  let level = 0;
  while (2 ** (level + 1) <= count) level++;
  return level;
}

/** Hash of the leaves from `start` to before `end`, where `start` is a multiple of the largest subtree in between. */
function rangeHash(start: number, end: number, nodeAt: NodeReader): Uint8Array {
  const edge: Uint8Array[] = [];
  for (let at = start; at < end;) {
    const level = levelWithin(end - at);
    edge.push(nodeAt(level, at / 2 ** level));
    at += 2 ** level;
  }
  return edge.length === 0 ? emptyRoot : edge.reduceRight((right, left) => nodeHash(left, right));
}
