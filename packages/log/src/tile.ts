import { isCount } from "./encoding.ts";
import { proofError } from "./errors.ts";

/** One resource of C2SP tlog-tiles: up to 256 hashes of one level of the tree, or the entries under a tile of level 0. */
export interface Tile {
  /** 0 to 63, where a hash is over 256^level leaves; `entries` for a bundle of entries. */
  readonly level: number | "entries";
  /** Place within the level, from 0. */
  readonly index: number;
  /** How many hashes or entries it has: 256 when full, 1 to 255 when partial. */
  readonly width: number;
}

/** Hashes or entries of a full tile. */
export const tileWidth = 256;

/**
 * The path of a tile below the log's URL. Throws ERR_AUDIT_PROOF for a tile that cannot be.
 *
 * @example formatTilePath({ level: 0, index: 1234067, width: 9 }) // "tile/0/x001/x234/067.p/9"
 */
export function formatTilePath({ level, index, width }: Tile): string {
  if (level !== "entries" && !(isCount(level) && level <= 63)) throw proofError("a tile's level is not from 0 to 63");
  if (!isCount(index)) throw proofError("a tile's index is not a whole number up to 2^53-1");
  if (!isWidth(width)) throw proofError("a tile's width is not from 1 to 256");
  const thousands = index
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/gu, " ")
    .split(" ");
  const groups = thousands.map((digits) => digits.padStart(3, "0"));
  return `tile/${level}/${groups.join("/x").replace(/^(.*\/)x/u, "x$1")}${width === tileWidth ? "" : `.p/${width}`}`;
}

/**
 * The tile of a path, in its one written form: no other padding, no leading zero, no width of a full tile. Throws
 * ERR_AUDIT_PROOF otherwise.
 */
export function parseTilePath(path: string): Tile {
  const parts = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/u.exec(path);
  const [, level = "", index = "", width] = parts ?? [];
  const tile = {
    level: level === "entries" ? level : Number(level),
    index: Number(index.replace(/[x/]/gu, "")),
    width: width === undefined ? tileWidth : Number(width),
  } as const;
  if (parts === null || formatTilePath(tile) !== path) throw proofError("the path is not one of a tile");
  return tile;
}

/** The tile at a place of the tree of `size` leaves, as wide as it is there; undefined where the tree has none. */
export function tileAt(level: number | "entries", index: number, size: number): Tile | undefined {
  const width = Math.min(countAt(level, size) - index * tileWidth, tileWidth);
  return isWidth(width) ? { level, index, width } : undefined;
}

/** True when the tree of `size` leaves holds all that the tile has: a full tile, or a partial one of this or an earlier size. */
export function isTileWithin(tile: Tile, size: number): boolean {
  return tile.index * tileWidth + tile.width <= countAt(tile.level, size);
}

/** Every tile of hashes of the tree of `size` leaves, level by level from 0, the full ones of a level before its partial one. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0; countAt(level, size) > 0; level++) {
    for (let index = 0; index * tileWidth < countAt(level, size); index++) yield tileAt(level, index, size) as Tile;
  }
}

/** The bytes of a bundle: for each entry its length as a big-endian uint16, then the entry. Throws ERR_AUDIT_PROOF. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (!isWidth(entries.length)) throw proofError("a bundle does not have from 1 to 256 entries");
  const bundle = new Uint8Array(entries.reduce((length, entry) => length + 2 + entry.length, 0));
  const view = new DataView(bundle.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > 0xffff) throw proofError("an entry is over 65,535 bytes");
    view.setUint16(at, entry.length);
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** The entries of a bundle, views of its bytes. Throws ERR_AUDIT_PROOF when it is cut, or has none or more than 256. */
export function decodeEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.length);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length;) {
    const start = at + 2;
    const end = start <= bundle.length ? start + view.getUint16(at) : Infinity;
    if (end > bundle.length || entries.length === tileWidth)
      throw proofError("a bundle is cut, or has over 256 entries");
    entries.push(bundle.subarray(start, end));
    at = end;
  }
  if (entries.length === 0) throw proofError("a bundle is empty");
  return entries;
}

/** How many complete subtrees of the level the tree has: hashes, or entries. */
function countAt(level: number | "entries", size: number): number {
  return Math.floor(size / tileWidth ** (level === "entries" ? 0 : level));
}

function isWidth(width: number): boolean {
  return Number.isInteger(width) && width >= 1 && width <= tileWidth;
}
