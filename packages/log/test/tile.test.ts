import { isAgentKeysError } from "@agentkeys/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeEntryBundle,
  encodeEntryBundle,
  formatTilePath,
  growTree,
  isTileWithin,
  leafHash,
  nodeHash,
  parseTilePath,
  rootAt,
  tileAt,
  tilesOf,
  type Tile,
} from "../src/index.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_PROOF" }) as Error;

/** What the reader gives, or the input where it refuses with its own error. */
function asRead<Read>(read: () => Read, input: Read): Read {
  try {
    return read();
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_PROOF")) return input;
    throw error;
  }
}

const level = fc.oneof(fc.constant("entries" as const), fc.integer({ min: 0, max: 63 }));
const width = fc.integer({ min: 1, max: 256 });
const anyTile: fc.Arbitrary<Tile> = fc.record({ level, index: fc.maxSafeNat(), width });

// Examples of the text of C2SP tlog-tiles, and of the tests of transparency-dev/tessera (api/layout/paths_test.go).
describe("C2SP tlog-tiles paths", () => {
  it.each([
    ["tile/0/x001/x234/067", { level: 0, index: 1234067, width: 256 }],
    ["tile/0/x001/x234/067.p/89", { level: 0, index: 1234067, width: 89 }],
    ["tile/0/000", { level: 0, index: 0, width: 256 }],
    ["tile/1/000.p/1", { level: 1, index: 0, width: 1 }],
    ["tile/1/000.p/4", { level: 1, index: 0, width: 4 }],
    ["tile/15/x455/667", { level: 15, index: 455667, width: 256 }],
    ["tile/15/x123/x456/789", { level: 15, index: 123456789, width: 256 }],
    ["tile/63/999.p/255", { level: 63, index: 999, width: 255 }],
    ["tile/entries/x001/x234/067", { level: "entries", index: 1234067, width: 256 }],
    ["tile/entries/273.p/112", { level: "entries", index: 273, width: 112 }],
    ["tile/0/x009/x007/x199/x254/x740/991", { level: 0, index: 2 ** 53 - 1, width: 256 }],
  ] as const)("%s is read and written", (path, tile) => {
    expect(parseTilePath(path)).toEqual(tile);
    expect(formatTilePath(tile)).toBe(path);
  });

  it.each([
    "tile/0/x001/x234/067.p/",
    "tile/0/x001/x234/067.p",
    "tile/0/x001/x234/",
    "tile/0/x001/x234",
    "tile/0/x001/",
    "tile/0/x001",
    "tile/1/x001/.p/abc",
    "tile/64/000",
    "tile/-1/000",
    "tile/00/000",
    "tile/01/000",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/1234",
    "tile/0/001/234",
    "tile/0/x000/001",
    "tile/0/X001/234",
    "tile/0/x1/234",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/+1",
    "tile/0/000.p/1/",
    "tile/0/000.p/1\n",
    "/tile/0/000",
    "tile//000",
    "tile/0/../0/000",
    "tile/0/x009/x007/x199/x254/x740/992",
    "tile/0/x001/x000/x000/x000/x000/x000/000",
    "tile/entries/",
    "tile/Entries/000",
    "tile/data/000",
    "tile/0/٠٠٠",
    "checkpoint",
    "",
  ])("%j is refused", (path) => {
    expect(() => parseTilePath(path)).toThrow(refused);
  });

  it("are read back from what is written, for every tile", () => {
    fc.assert(
      fc.property(anyTile, (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
      }),
    );
  });

  it("are in the one written form, whatever is read", () => {
    const near = fc.tuple(
      anyTile.map(formatTilePath),
      fc.nat(40),
      fc.constantFrom("", "0", "x", "/", "9", ".p/1", " "),
    );
    const spelled = near.map(([path, at, more]) => path.slice(0, at) + more + path.slice(at + (more === "" ? 1 : 0)));
    fc.assert(
      fc.property(fc.oneof(spelled, fc.string()), (path) => {
        expect(asRead(() => formatTilePath(parseTilePath(path)), path)).toBe(path);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    { level: 64, index: 0, width: 256 },
    { level: -1, index: 0, width: 256 },
    { level: 0.5, index: 0, width: 256 },
    { level: 0, index: -1, width: 256 },
    { level: 0, index: 2 ** 53, width: 256 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
    { level: 0, index: 0, width: 1.5 },
  ])("are not written for a tile that cannot be: $level $index $width", (tile) => {
    expect(() => formatTilePath(tile)).toThrow(refused);
  });
});

describe("the tiles of a tree", () => {
  it("are for 70,000 leaves those that C2SP tlog-tiles names", () => {
    const tiles = [...tilesOf(70_000)];
    const full = (at: number) => tiles.filter((tile) => tile.level === at && tile.width === 256).length;
    expect([full(0), full(1), full(2)]).toEqual([273, 1, 0]);
    expect(tiles.filter((tile) => tile.width < 256).map(formatTilePath)).toEqual([
      "tile/0/273.p/112",
      "tile/1/001.p/17",
      "tile/2/000.p/1",
    ]);
    expect(tiles).toHaveLength(277);
  });

  it("are for 256 leaves a full one of level 0 and a partial one of level 1", () => {
    expect([...tilesOf(256)].map(formatTilePath)).toEqual(["tile/0/000", "tile/1/000.p/1"]);
  });

  it("are none for no leaves", () => {
    expect([...tilesOf(0)]).toEqual([]);
  });

  it("hold each complete subtree of 256^level leaves once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300_000 }), (size) => {
        const held = Map.groupBy(tilesOf(size), (tile) => tile.level);
        for (const [at, tiles] of held) {
          expect(tiles.reduce((sum, tile) => sum + tile.width, 0)).toBe(Math.floor(size / 256 ** Number(at)));
          expect(tiles.map(({ index }) => index)).toEqual(tiles.map((_, place) => place));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("are within the tree and every larger one, and wider ones are not", () => {
    const size = fc.oneof(fc.nat(), fc.maxSafeNat());
    fc.assert(
      fc.property(level, size, fc.nat(), size, (at, leaves, some, more) => {
        const count = Math.floor(leaves / 256 ** (at === "entries" ? 0 : at));
        const index = some % (Math.ceil(count / 256) + 1);
        const tile = tileAt(at, index, leaves);
        expect(tile === undefined).toBe(index * 256 >= count);
        if (tile === undefined) return;
        expect(isTileWithin(tile, leaves)).toBe(true);
        expect(isTileWithin(tile, Math.min(leaves + more, Number.MAX_SAFE_INTEGER))).toBe(true);
        const wider = { ...tile, width: tile.width + 1 };
        expect(isTileWithin(wider, leaves)).toBe(wider.width > 256 && index * 256 + 257 <= count);
      }),
    );
  });

  it("hold all that the root of the tree needs, with what is hashed inside of them", () => {
    const leaves = Array.from({ length: 700 }, (_, at) => leafHash(Uint8Array.of(at % 256, at >> 8)));
    const tree = growTree(0, [], leaves);
    const grown = new Map(tree.nodes.map(({ level: at, index, hash }) => [`${at}/${index}`, hash]));
    const tiled = new Map<string, Uint8Array>();
    for (const tile of tilesOf(700)) {
      for (let at = 0; at < tile.width; at++) {
        const place = `${8 * Number(tile.level)}/${256 * tile.index + at}`;
        tiled.set(place, grown.get(place) as Uint8Array);
      }
    }
    const nodeAt = (at: number, index: number): Uint8Array =>
      tiled.get(`${at}/${index}`) ?? nodeHash(nodeAt(at - 1, 2 * index), nodeAt(at - 1, 2 * index + 1));
    expect(tiled.size).toBe(702);
    expect(rootAt(700, nodeAt)).toEqual(tree.root);
  });
});

describe("a bundle of entries", () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 });

  it("has each entry behind its length as a big-endian uint16", () => {
    const long = new Uint8Array(258).fill(7);
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2, 3), new Uint8Array(), long]);
    expect(bundle).toEqual(Uint8Array.of(0, 3, 1, 2, 3, 0, 0, 1, 2, ...long));
    expect(decodeEntryBundle(bundle)).toEqual([Uint8Array.of(1, 2, 3), new Uint8Array(), long]);
  });

  it("is read back from what is written", () => {
    fc.assert(
      fc.property(entries, (made) => {
        expect(decodeEntryBundle(encodeEntryBundle(made))).toEqual(made);
      }),
    );
  });

  it("is read back as it was, whatever bytes are read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(asRead(() => encodeEntryBundle(decodeEntryBundle(bytes)), bytes)).toEqual(bytes);
      }),
    );
  });

  it("is read from a part of a larger buffer", () => {
    const buffer = Uint8Array.of(9, 9, 0, 1, 5, 9);
    expect(decodeEntryBundle(buffer.subarray(2, 5))).toEqual([Uint8Array.of(5)]);
  });

  it("is refused when its tail is cut, wherever", () => {
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
    for (const end of [0, 1, 2, 3, 4, 6, 7]) expect(() => decodeEntryBundle(bundle.subarray(0, end))).toThrow(refused);
    expect(decodeEntryBundle(bundle.subarray(0, 5))).toHaveLength(1);
  });

  it("has from 1 to 256 entries of at most 65,535 bytes", () => {
    const many = (count: number) => Array.from({ length: count }, () => new Uint8Array(1));
    expect(decodeEntryBundle(encodeEntryBundle(many(256)))).toHaveLength(256);
    expect(() => encodeEntryBundle(many(257))).toThrow(refused);
    expect(() => encodeEntryBundle([])).toThrow(refused);
    expect(() => decodeEntryBundle(new Uint8Array(2 * 257))).toThrow(refused);
    expect(decodeEntryBundle(encodeEntryBundle([new Uint8Array(65_535)]))).toHaveLength(1);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(refused);
  });
});
