import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  consistencyPath,
  emptyRoot,
  growTree,
  inclusionPath,
  isConsistency,
  isInclusion,
  leafHash,
  nodeHash,
  rootAt,
  rootFromInclusion,
  type NodeReader,
} from "../src/index.ts";
import { bytes, hex } from "./vectors.ts";

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
};

/** MTH of RFC 6962 section 2.1, straight from its text. */
function merkleTreeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), merkleTreeHash(leaves.slice(0, split)), merkleTreeHash(leaves.slice(split)));
}

const readerOf =
  (leaves: readonly Uint8Array[]): NodeReader =>
  (level, index) =>
    merkleTreeHash(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));

const manyLeaves = Array.from({ length: 300 }, (_, at) => leafHash(Uint8Array.of(at % 256, at / 256)));

// Leaves, roots and proofs of the certificate-transparency reference tree, as in transparency-dev/merkle,
// testonly/constants.go and testonly/reference_test.go.
describe("RFC 6962 reference tree", () => {
  const leaves = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
  ].map((entry) => leafHash(bytes(entry)));
  const n = {
    a: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    b: "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    e: "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ab: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    cd: "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    ef: "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    gh: "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    abcd: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    efgh: "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  };
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    n.a,
    n.ab,
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    n.abcd,
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];

  it.each(roots.map((root, size) => ({ size, root })))(
    "the root of the first $size leaves is $root",
    ({ size, root }) => {
      expect(hex(rootAt(size, readerOf(leaves)))).toBe(root);
      expect(hex(growTree(0, [], leaves.slice(0, size)).root)).toBe(root);
    },
  );

  it.each([
    { index: 0, size: 1, path: [] },
    { index: 0, size: 2, path: [n.b] },
    { index: 1, size: 2, path: [n.a] },
    { index: 2, size: 3, path: [n.ab] },
    { index: 1, size: 5, path: [n.a, n.cd, n.e] },
    { index: 0, size: 8, path: [n.b, n.cd, n.efgh] },
    { index: 5, size: 8, path: [n.e, n.gh, n.abcd] },
  ])("the inclusion path of leaf $index in $size leaves is the published one", ({ index, size, path }) => {
    expect(inclusionPath(index, size, readerOf(leaves)).map(hex)).toEqual(path);
    const leaf = leaves[index] as Uint8Array;
    expect(hex(rootFromInclusion(index, size, leaf, path.map(bytes)))).toBe(roots[size]);
  });

  it.each([
    { from: 1, to: 1, proof: [] },
    { from: 1, to: 8, proof: [n.b, n.cd, n.efgh] },
    { from: 2, to: 5, proof: [n.cd, n.e] },
    { from: 6, to: 8, proof: [n.ef, n.gh, n.abcd] },
  ])("the consistency proof from $from to $to leaves is the published one", ({ from, to, proof }) => {
    expect(consistencyPath(from, to, readerOf(leaves)).map(hex)).toEqual(proof);
    const [old, grown] = [bytes(roots[from] ?? ""), bytes(roots[to] ?? "")];
    expect(isConsistency(from, to, old, grown, proof.map(bytes))).toBe(true);
  });
});

describe("trees of 1 to 300 leaves", () => {
  it("every leaf of every size is included by its path, and by no other index, size, leaf or root", () => {
    for (let size = 1; size <= 300; size += size < 70 ? 1 : 23) {
      const tree = growTree(0, [], manyLeaves.slice(0, size));
      expect(tree.root).toEqual(merkleTreeHash(manyLeaves.slice(0, size)));
      for (let index = 0; index < size; index += size < 70 ? 1 : 17) {
        const leaf = manyLeaves[index] as Uint8Array;
        const path = inclusionPath(index, size, readerOf(manyLeaves));
        expect(tree.proof(index)).toEqual(path);
        expect(isInclusion(index, size, leaf, path, tree.root)).toBe(true);
        expect(isInclusion(index + 1, size, leaf, path, tree.root)).toBe(false);
        expect(isInclusion(index, size, leafHash(leaf), path, tree.root)).toBe(false);
        expect(isInclusion(index, size, leaf, path, leafHash(leaf))).toBe(false);
        expect(isInclusion(index, size, leaf, [...path, leaf], tree.root)).toBe(false);
        expect(isInclusion(index, size, leaf, path.slice(0, -1), tree.root)).toBe(size === 1);
      }
    }
  });

  it("any two sizes are proved consistent, and the proof holds for no other pair of roots", () => {
    const sizes = fc.integer({ min: 0, max: 300 });
    fc.assert(
      fc.property(sizes, sizes, (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const proof = consistencyPath(from, to, readerOf(manyLeaves));
        const [old, grown] = [rootAt(from, readerOf(manyLeaves)), rootAt(to, readerOf(manyLeaves))];
        expect(isConsistency(from, to, old, grown, proof)).toBe(true);
        expect(isConsistency(from, to, leafHash(old), grown, proof)).toBe(false);
        expect(isConsistency(from, to, old, grown, [...proof, old])).toBe(false);
        expect(isConsistency(from, to, old, leafHash(grown), proof)).toBe(from === 0 && to > 0);
        expect(isConsistency(from, to, old, grown, proof.slice(1))).toBe(proof.length === 0);
      }),
    );
  });

  it("growing in any steps gives the same root, edge and stored nodes as growing at once", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }), (steps) => {
        let tree = growTree(0, [], []);
        const stored = new Map<string, string>();
        for (const step of steps) {
          const before = tree.size;
          tree = growTree(tree.size, tree.edge, manyLeaves.slice(before, before + step));
          for (const { level, index, hash } of tree.nodes) {
            expect(stored.has(`${level}/${index}`)).toBe(false);
            stored.set(`${level}/${index}`, hex(hash));
          }
          for (let index = before; index < tree.size; index++) {
            expect(isInclusion(index, tree.size, manyLeaves[index] as Uint8Array, tree.proof(index), tree.root)).toBe(
              true,
            );
          }
        }
        const at = (level: number, index: number) => bytes(stored.get(`${level}/${index}`) ?? "");
        expect(tree.root).toEqual(merkleTreeHash(manyLeaves.slice(0, tree.size)));
        expect(rootAt(tree.size, at)).toEqual(tree.root);
        expect(growTree(0, [], manyLeaves.slice(0, tree.size)).edge).toEqual(tree.edge);
        for (const [place, hash] of stored) {
          const [level = 0, index = 0] = place.split("/").map(Number);
          expect(hex(readerOf(manyLeaves)(level, index))).toBe(hash);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("trees too large to hold", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const sizes = fc.oneof(
    fc.maxSafeNat().filter((size) => size > 0),
    fc.integer({ min: 0, max: 52 }).chain((bit) => fc.constantFrom(2 ** bit, Math.max(1, 2 ** bit - 1), 2 ** bit + 1)),
  );

  /** All leaves alike but those at `marked`, which carry their index: any subtree is quick to hash. */
  function sparseTree(marked: readonly number[]): { nodeAt: NodeReader; leafAt: (index: number) => Uint8Array } {
    const plain = [leafHash(Uint8Array.of())];
    for (let level = 1; level <= 53; level++)
      plain.push(nodeHash(plain[level - 1] as Uint8Array, plain[level - 1] as Uint8Array));
    const leafAt = (index: number) =>
      marked.includes(index) ? leafHash(new TextEncoder().encode(String(index))) : (plain[0] as Uint8Array);
    const nodeAt: NodeReader = (level, index) => {
      if (!marked.some((mark) => Math.floor(mark / 2 ** level) === index)) return plain[level] as Uint8Array;
      return level === 0 ? leafAt(index) : nodeHash(nodeAt(level - 1, 2 * index), nodeAt(level - 1, 2 * index + 1));
    };
    return { nodeAt, leafAt };
  }

  it("a leaf anywhere below 2^53 is included by its path, and not at another index", () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (size, part) => {
        const index = Math.floor(size * part);
        const { nodeAt, leafAt } = sparseTree([index]);
        const path = inclusionPath(index, size, nodeAt);
        const root = rootAt(size, nodeAt);
        expect(isInclusion(index, size, leafAt(index), path, root)).toBe(true);
        for (const other of [index - 1, index + 1, index % 2 ** 31, index % 2 ** 32].filter((at) => at !== index)) {
          expect(isInclusion(other, size, leafAt(index), path, root)).toBe(false);
        }
      }),
    );
  });

  it("any two sizes below 2^53 are proved consistent, and a proof for another size fails", () => {
    fc.assert(
      fc.property(sizes, sizes, (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const { nodeAt } = sparseTree([from - 1, to - 1]);
        const proof = consistencyPath(from, to, nodeAt);
        const [old, grown] = [rootAt(from, nodeAt), rootAt(to, nodeAt)];
        expect(isConsistency(from, to, old, grown, proof)).toBe(true);
        expect(isConsistency(from, to, grown, old, proof)).toBe(from === to);
      }),
    );
  });

  it("a log of any size grows by its edge alone to the root that its stored nodes give", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 20 }), (size, count) => {
        const before = Math.min(size, most - count);
        const added = Array.from({ length: count }, (_, at) => before + at);
        const { nodeAt, leafAt } = sparseTree(added);
        const edge: Uint8Array[] = [];
        for (let level = 53, at = 0; level >= 0; level--) {
          if (Math.floor(before / 2 ** level) % 2 === 0) continue;
          edge.push(nodeAt(level, at / 2 ** level));
          at += 2 ** level;
        }
        const tree = growTree(before, edge, added.map(leafAt));
        expect(tree.root).toEqual(rootAt(before + count, nodeAt));
        for (const index of added) expect(tree.proof(index)).toEqual(inclusionPath(index, before + count, nodeAt));
        for (const { level, index, hash } of tree.nodes) expect(hash).toEqual(nodeAt(level, index));
      }),
    );
  });
});

describe("arguments that make no sense", () => {
  const refused = expect.objectContaining({ code: "ERR_AUDIT_PROOF" });
  const reader = readerOf(manyLeaves);
  const hash = leafHash(Uint8Array.of(1));

  it.each([
    ["an index at the size", () => inclusionPath(3, 3, reader)],
    ["a negative index", () => inclusionPath(-1, 3, reader)],
    ["a fractional index", () => inclusionPath(0.5, 3, reader)],
    ["a size past 2^53-1", () => inclusionPath(0, 2 ** 53, reader)],
    ["sizes that shrink", () => consistencyPath(3, 2, reader)],
    ["an edge that is too short", () => growTree(3, [hash], [hash])],
    ["an edge that is too long", () => growTree(2, [hash, hash], [hash])],
    ["a proof of an old leaf", () => growTree(1, [hash], [hash]).proof(0)],
    ["a leaf hash of 31 bytes", () => rootFromInclusion(0, 1, hash.slice(1), [])],
    ["a path too long for the tree", () => rootFromInclusion(0, 2, hash, [hash, hash])],
  ])("%s is refused", (_, act) => {
    expect(act).toThrow(refused);
  });

  it("a tree grows to 2^53-1 leaves and not past it", () => {
    const edge = Array.from({ length: 52 }, () => hash);
    expect(growTree(2 ** 53 - 2, edge, [hash]).size).toBe(2 ** 53 - 1);
    expect(() => growTree(2 ** 53 - 1, [...edge, hash], [hash])).toThrow(refused);
  });

  it("the tree without leaves has the empty root, and every tree is an append to it by the empty proof alone", () => {
    expect(emptyRoot).toEqual(sha256());
    expect(growTree(0, [], []).root).toEqual(emptyRoot);
    expect(isConsistency(0, 0, emptyRoot, emptyRoot, [])).toBe(true);
    expect(isConsistency(0, 5, emptyRoot, hash, [])).toBe(true);
    expect(isConsistency(0, 5, emptyRoot, hash, [hash])).toBe(false);
    expect(isConsistency(0, 5, hash, hash, [])).toBe(false);
    expect(isConsistency(0, 0, hash, hash, [])).toBe(false);
    expect(isConsistency(5, 4, hash, hash, [])).toBe(false);
  });

  it("verification answers no, and does not throw, for any numbers and bytes", () => {
    const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-1, NaN, Infinity, 2 ** 53, 2 ** 60));
    const some = fc.uint8Array({ maxLength: 33 });
    fc.assert(
      fc.property(number, number, some, fc.array(some, { maxLength: 4 }), (one, other, root, path) => {
        expect(isInclusion(one, other, root, path, root)).toBe(
          one === 0 && other === 1 && root.length === 32 && path.length === 0,
        );
        expect(isConsistency(one, other, root, leafHash(root), path)).toBe(false);
      }),
    );
  });
});
