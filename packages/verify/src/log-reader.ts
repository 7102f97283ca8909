import {
  decodeEntryBundle,
  equalBytes,
  formatTilePath,
  leafHash,
  tileAt,
  tileWidth,
  type HashPath,
} from "@agentkeys/log";
import { invalid } from "./invalid.ts";

/**
 * Where a log is read from: the resources of C2SP tlog-tiles below its URL. The library has no network of its own; the program reads
 * by HTTP, a page by its own `fetch`, an auditor from a mirror on disk.
 */
export interface LogReader {
  /**
   * Bytes of `checkpoint`, `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, of which `most` are allowed; undefined where there is no
   * such resource. Whatever it throws becomes the reason of the verdict.
   */
  read(path: string, most: number): Promise<Uint8Array | undefined>;
}

const hashLength = 32;
const longestNote = 262_144;
const longestBundle = tileWidth * (2 + 4096);

/** The text of a log's newest head. Throws ERR_AUDIT_PROOF where there is none. */
export async function readCheckpoint(log: LogReader): Promise<string> {
  const bytes = await readResource(log, "checkpoint", longestNote);
  if (bytes === undefined)
    throw invalid("there is no checkpoint here; a log is at https://BROKER/v1/audit/logs/LOG_ID");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid("the checkpoint is not UTF-8", error);
  }
}

/** The hashes of a tile of the tree of `size` leaves. Throws ERR_AUDIT_PROOF when it is missing or of another length. */
export async function readHashes(log: LogReader, level: number, index: number, size: number): Promise<HashPath> {
  const { path, bytes, width, isCut } = await readTile(log, level, index, size, tileWidth * hashLength);
  if (bytes.length !== (isCut ? tileWidth : width) * hashLength) throw invalid(`${path} is not ${width} hashes`);
  return Array.from({ length: width }, (_, at) => bytes.slice(at * hashLength, (at + 1) * hashLength));
}

/** The entries under a tile of level 0, which have to hash to its `leaves`. Throws ERR_AUDIT_PROOF with the first that does not. */
export async function readEntries(
  log: LogReader,
  index: number,
  size: number,
  leaves: HashPath,
): Promise<Uint8Array[]> {
  const { path, bytes, width, isCut } = await readTile(log, "entries", index, size, longestBundle);
  let entries: Uint8Array[];
  try {
    entries = decodeEntryBundle(bytes);
  } catch (error) {
    throw invalid(`${path} is not a bundle of entries`, error);
  }
  if (entries.length !== (isCut ? tileWidth : width)) throw invalid(`${path} is not ${width} entries`);
  const wanted = entries.slice(0, width);
  const wrong = wanted.findIndex((entry, at) => !equalBytes(leafHash(entry), leaves[at] as Uint8Array));
  if (wrong >= 0) throw invalid(`entry ${index * tileWidth + wrong} is not the one that the log's tile has`);
  return wanted;
}

async function readTile(log: LogReader, level: number | "entries", index: number, size: number, most: number) {
  const tile = tileAt(level, index, size);
  if (tile === undefined) throw invalid(`the tree of ${size} has no tile ${index} of level ${level}`);
  const path = formatTilePath(tile);
  const bytes = await readResource(log, path, most);
  if (bytes !== undefined) return { path, bytes, width: tile.width, isCut: false };
  // A log may drop a partial tile once the full one is there (C2SP tlog-tiles).
  const full = formatTilePath({ ...tile, width: tileWidth });
  const whole = full === path ? undefined : await readResource(log, full, most);
  if (whole === undefined) throw invalid(`${path} is missing`);
  return { path: full, bytes: whole, width: tile.width, isCut: true };
}

async function readResource(log: LogReader, path: string, most: number): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await log.read(path, most);
  } catch (error) {
    throw invalid(`${path} could not be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (bytes !== undefined && bytes.length > most) throw invalid(`${path} is over ${most} bytes`);
  return bytes;
}
