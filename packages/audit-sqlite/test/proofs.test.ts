import {
  fromBase64,
  isConsistency,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseVkey,
  verifyLine,
  verifyReceipt,
} from "@agentkeys/log";
import type { AuditLog, Evidence, TreeHead } from "@agentkeys/core";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { placeOf } from "../src/thread/store.ts";
import { boot, codeOf, issued, makeCall, makeFolder, openTestLog } from "./support.ts";

const call = makeCall();

async function growTo(log: AuditLog, sizes: readonly number[]): Promise<TreeHead[]> {
  const heads: TreeHead[] = [];
  for (const size of sizes) {
    const before = heads.at(-1)?.size ?? 0;
    await log.append(
      Array.from({ length: size - before }, () => boot()),
      call,
    );
    heads.push(await log.head(call));
  }
  return heads;
}

test("a head names its origin and is signed by the key the log states", async () => {
  const log = await openTestLog(makeFolder());
  await log.append([boot()], call);
  const head = await log.head(call);
  expect(head.origin).toMatch(/^keys\.example\/audit\/[0-9a-hjkmnp-tv-z]{8}\/1$/u);
  const note = parseNote(head.note);
  expect(parseCheckpoint(note.text)).toEqual({ origin: head.origin, size: 1, root: fromBase64(head.root) });
  expect(parseVkey(head.vkey).name).toBe(head.origin);
  expect(await verifyLine(note.text, note.signatures[0]!.line, parseVkey(head.vkey))).toEqual({});
  expect(head.logId).toMatch(/^[0-9a-f]{64}$/u);
});

test("the empty log has the head of the empty tree", async () => {
  const log = await openTestLog(makeFolder());
  expect(await log.head(call)).toMatchObject({ size: 0, root: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" });
});

test("every head is proven to be a prefix of every later one, also after a restart", async () => {
  const folder = makeFolder();
  const first = await openTestLog(folder);
  const heads = await growTo(first, [1, 2, 3, 5, 8, 13, 16, 21, 33]);
  await first.close();
  const log = await openTestLog(folder);
  for (const from of heads) {
    for (const to of heads.filter(({ size }) => size >= from.size)) {
      const proof = (await log.prove(from.size, to.size, call)).map(fromBase64);
      expect(isConsistency(from.size, to.size, fromBase64(from.root), fromBase64(to.root), proof)).toBe(true);
    }
  }
  expect(await log.head(call)).toMatchObject({ note: heads.at(-1)!.note });
});

test("a proof from or to a size the log has not had is refused", async () => {
  const log = await openTestLog(makeFolder());
  await log.append([boot(), boot()], call);
  for (const [from, to] of [
    [0, 3],
    [2, 1],
    [-1, 2],
    [0.5, 2],
    [Number.NaN, 2],
    [0, 2 ** 60],
  ] as const) {
    expect(await codeOf(log.prove(from, to, call))).toBe("ERR_AUDIT_PROOF");
  }
});

test("a receipt can be had under any later head, with its witnesses in the note and other evidence beside it", async () => {
  const log = await openTestLog(makeFolder());
  const event = issued();
  await log.append([boot(), event, boot()], call);
  await log.append([boot(), boot()], call);
  const vectors = JSON.parse(readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"));
  const [line] = (vectors.checkpoints[0].cosigned_note as string).split("\n").slice(-2);
  const evidence: Evidence = { anchor: "base", size: 3, note_hash: "ab".repeat(32), finality: 4, proof: { tx: "0x1" } };
  for (const size of [2, 3, 4, 5, undefined]) {
    const ask = {
      record: event.id,
      open: [5, 11, 7, 99],
      cosignatures: [line!, `${line!}\n`],
      anchors: [{ ...evidence, cosignatures: [line!] }],
    };
    const text = await log.receipt(size === undefined ? ask : { ...ask, size }, call);
    const receipt = parseReceipt(text!);
    expect(receipt.anchors).toEqual([evidence]);
    expect(receipt.tlogProof.split(`${line!}\n`)).toHaveLength(3);
    const verified = await verifyReceipt(receipt, { log: parseVkey((await log.head(call)).vkey) });
    expect(verified.checkpoint.size).toBe(size ?? 5);
    expect(verified.openings.map(({ key }) => key)).toEqual([5, 11]);
  }
});

test("a receipt is refused under a head the record is not in, or with a line that is no signature", async () => {
  const log = await openTestLog(makeFolder());
  const event = issued();
  await log.append([boot(), event], call);
  for (const size of [0, 1, 3, -1, 1.5]) {
    expect(await codeOf(log.receipt({ record: event.id, open: [], size }, call))).toBe("ERR_AUDIT_PROOF");
  }
  for (const line of ["", "nonsense", "— w AAAA", "\n\n— w AAAAAAAAAAA="]) {
    expect(await codeOf(log.receipt({ record: event.id, open: [], cosignatures: [line] }, call))).toBe(
      "ERR_AUDIT_PROOF",
    );
  }
  expect(await log.receipt({ record: boot().id, open: [] }, call)).toBeUndefined();
  expect(await log.ready(call)).toEqual({ status: "ready" });
});

test("hashes are stored without a gap in the order in which they are completed", () => {
  let next = 0;
  for (let leaf = 0; leaf < 300; leaf++) {
    for (let level = 0; (leaf + 1) % 2 ** level === 0; level++)
      expect(placeOf(level, (leaf + 1) / 2 ** level - 1)).toBe(next++);
  }
  expect(placeOf(0, 2 ** 40)).toBe(2 ** 41 - 1);
});
