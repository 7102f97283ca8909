import { createHash } from "node:crypto";
import type { AuditLog } from "@agentkeys/core";
import {
  decodeEntryBundle,
  formatTilePath,
  leafHash,
  nodeHash,
  parseCheckpoint,
  parseNote,
  parseVkey,
  tilesOf,
  toBase64,
  verifyLine,
} from "@agentkeys/log";
import { expect, test } from "vitest";
import { boot, codeOf, issued, makeCall, makeFolder, openTestLog } from "./support.ts";

const call = makeCall();

async function tileOf(log: AuditLog, path: string): Promise<Uint8Array | undefined> {
  const { logId } = await log.head(call);
  return log.upkeep.tile(logId, path, call);
}

async function grow(log: AuditLog, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, at) => (at % 2 === 0 ? boot() : issued()));
  await log.append(events, call);
}

function split(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / 32 }, (_, at) => tile.subarray(32 * at, 32 * at + 32));
}

/** Root of a run of hashes, as RFC 6962 section 2.1 says it: not with the log's own functions. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes;
  if (only === undefined) return createHash("sha256").digest();
  if (hashes.length === 1) return only;
  const half = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
  return nodeHash(rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)));
}

test("the checkpoint is the newest head's note, signed", async () => {
  const log = await openTestLog(makeFolder());
  await grow(log, 3);
  const { note, vkey, root } = await log.head(call);
  const text = Buffer.from((await tileOf(log, "checkpoint"))!).toString();
  expect(text).toBe(note);
  const parsed = parseNote(text);
  expect(toBase64(parseCheckpoint(parsed.text).root)).toBe(root);
  expect(await verifyLine(parsed.text, parsed.signatures[0]!.line, parseVkey(vkey))).toEqual({});
});

test("entries give the leaves, leaves the hashes above, and the tiles of a size its root (C2SP tlog-tiles)", async () => {
  const log = await openTestLog(makeFolder());
  await grow(log, 300);
  await grow(log, 600);
  const { root, size } = await log.head(call);
  const leaves: Uint8Array[] = [];
  for (const [at, width] of [256, 256, 256, 132].entries()) {
    const path = formatTilePath({ level: "entries", index: at, width });
    leaves.push(...decodeEntryBundle((await tileOf(log, path))!).map((entry) => leafHash(entry)));
  }
  expect(leaves).toHaveLength(size);
  expect(toBase64(rootOf(leaves))).toBe(root);
  const levels: Uint8Array[][] = [];
  for (const tile of tilesOf(size)) {
    const bytes = await tileOf(log, formatTilePath(tile));
    expect(bytes).toHaveLength(32 * tile.width);
    (levels[tile.level as number] ??= []).push(...split(bytes!));
  }
  expect(levels[0]).toEqual(leaves);
  expect(levels[1]).toEqual([0, 1, 2].map((at) => rootOf(leaves.slice(256 * at, 256 * at + 256))));
  expect(levels).toHaveLength(2);
});

test("the partial tiles of every size that was signed stay, each the beginning of the next", async () => {
  const folder = makeFolder();
  const first = await openTestLog(folder);
  const kept = new Map<string, Uint8Array>();
  for (const count of [1, 4, 95, 155, 1, 1, 100]) {
    await grow(first, count);
    const { size } = await first.head(call);
    for (const tile of tilesOf(size)) {
      for (const level of tile.level === 0 ? ([0, "entries"] as const) : [tile.level]) {
        const path = formatTilePath({ ...tile, level });
        const bytes = (await tileOf(first, path))!;
        expect(kept.get(path) ?? bytes, path).toEqual(bytes);
        kept.set(path, bytes);
      }
    }
  }
  await first.close();
  const log = await openTestLog(folder);
  for (const [path, bytes] of kept) expect(await tileOf(log, path), path).toEqual(bytes);
  const [whole, part] = [kept.get("tile/0/000")!, kept.get("tile/0/000.p/5")!];
  expect(part).toEqual(whole.subarray(0, part.length));
});

test("what is beyond the tree, in another written form, or of another log is no resource", async () => {
  const log = await openTestLog(makeFolder());
  await grow(log, 260);
  expect(await tileOf(log, "tile/0/001.p/4")).toHaveLength(128);
  const absent = [
    "tile/0/001",
    "tile/0/001.p/5",
    "tile/1/000.p/2",
    "tile/1/000",
    "tile/2/000.p/1",
    "tile/entries/001.p/5",
  ];
  const malformed = [
    "",
    "checkpoint/",
    "/checkpoint",
    "tile/0/1.p/4",
    "tile/0/000.p/256",
    "tile/0/000.p/0",
    "tile/0/000.p/04",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/entries/x000/000",
    "tile/0/x000/000",
    "tile/0/000/../000",
    "tile/0/000?",
    "tile/0/000\n",
    "tile/data/000",
    "Tile/0/000",
  ];
  for (const path of [...absent, ...malformed]) expect(await tileOf(log, path), path).toBeUndefined();
  const { logId } = await log.head(call);
  for (const id of ["", logId.toUpperCase(), "00".repeat(32), logId.slice(1)])
    expect(await log.upkeep.tile(id, "checkpoint", call), id).toBeUndefined();
  expect(await codeOf(log.upkeep.tile(logId, 7 as never, call))).toBe("nothing");
});

test("the tiles of an empty log are none, and its checkpoint is that of the empty tree", async () => {
  const log = await openTestLog(makeFolder());
  expect(await tileOf(log, "tile/0/000.p/1")).toBeUndefined();
  const text = Buffer.from((await tileOf(log, "checkpoint"))!).toString();
  expect(parseCheckpoint(parseNote(text).text).size).toBe(0);
});
