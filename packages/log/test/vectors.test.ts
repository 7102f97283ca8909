import { describe, expect, it } from "vitest";
import {
  consistencyPath,
  decodeRecord,
  encodeRecord,
  formatCheckpoint,
  formatReceipt,
  formatTlogProof,
  formatVkey,
  fromBase64,
  growTree,
  inclusionPath,
  isConsistency,
  isInclusion,
  isOpened,
  leafHash,
  logId,
  nodeHash,
  noteHash,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseTlogProof,
  parseVkey,
  rootAt,
  toBase64,
  verifyLine,
  verifyReceipt,
  walletTag,
  type NodeReader,
} from "../src/index.ts";
import { bytes, hex, vectors } from "./vectors.ts";

const leaves = Array.from({ length: 300 }, (_, at) =>
  fromBase64(vectors.log.leaf_hashes_300).slice(32 * at, 32 * at + 32),
);
const nodeAt: NodeReader = (level, index) =>
  level === 0
    ? (leaves[index] as Uint8Array)
    : nodeHash(nodeAt(level - 1, 2 * index), nodeAt(level - 1, 2 * index + 1));
const log = parseVkey(vectors.log.vkey);
const witness = parseVkey(vectors.log.witness_vkey);

describe("AgentKeys v1 vectors: records", () => {
  it.each(vectors.tags)("the tag of $address is $tag", ({ index_key: key, address, tag }) => {
    expect(hex(walletTag(bytes(key), address))).toBe(tag);
  });

  it.each(vectors.records)(
    "the record «$name» decodes, encodes to the same bytes, has its leaf hash, and its openings open it",
    ({ cbor, leaf_hash: leaf, openings }) => {
      const record = decodeRecord(bytes(cbor));
      expect(hex(encodeRecord(record))).toBe(cbor);
      expect(hex(leafHash(bytes(cbor)))).toBe(leaf);
      for (const { key, salt, value } of openings) {
        const opening = { key, salt: bytes(salt), value: typeof value === "string" ? value : bytes(value.hex) };
        expect(isOpened(record, opening)).toBe(true);
        expect(isOpened(record, { ...opening, salt: leafHash(opening.salt) })).toBe(false);
      }
    },
  );

  it.each(vectors.entries_rejected)("an entry is refused: $why", ({ cbor }) => {
    expect(() => decodeRecord(bytes(cbor))).toThrow(expect.objectContaining({ code: "ERR_AUDIT_RECORD" }));
  });

  it("the first records are the first leaves of the log", () => {
    expect(vectors.records.map(({ leaf_hash: leaf }) => leaf)).toEqual(leaves.slice(0, 8).map(hex));
  });
});

describe("AgentKeys v1 vectors: log", () => {
  it("the log's keys read back as they were written, and the id is that of the origin", () => {
    for (const { vkey } of [vectors.log, vectors.second_epoch]) {
      expect(formatVkey(parseVkey(vkey).name, 1, parseVkey(vkey).publicKey)).toBe(vkey);
    }
    expect(formatVkey(witness.name, 4, witness.publicKey)).toBe(vectors.log.witness_vkey);
    expect(hex(logId(vectors.log.origin))).toBe(vectors.log.log_id);
  });

  it.each(vectors.checkpoints)(
    "the head of size $size has this root, note, cosignature and note hash",
    async ({ size, root, note, cosigned_note: cosigned, note_hash: hash }) => {
      expect(toBase64(rootAt(size, nodeAt))).toBe(root);
      expect(toBase64(growTree(0, [], leaves.slice(0, size)).root)).toBe(root);
      const { text, signatures } = parseNote(cosigned);
      expect(formatCheckpoint({ origin: log.name, size, root: fromBase64(root) })).toBe(text);
      expect(parseCheckpoint(text)).toEqual({ origin: log.name, size, root: fromBase64(root) });
      expect(parseNote(note).text).toBe(text);
      expect(hex(noteHash(text))).toBe(hash);
      const [byLog, byWitness] = signatures;
      expect(await verifyLine(text, byLog?.line ?? "", log)).toEqual({});
      expect(await verifyLine(text, byWitness?.line ?? "", witness)).toEqual({ timestamp: expect.any(Number) });
      expect(await verifyLine(text, byWitness?.line ?? "", log)).toBeUndefined();
    },
  );

  it.each(vectors.inclusion)(
    "leaf $index of $size is proved by exactly this text",
    ({ index, size, leaf_hash: leaf, tlog_proof: text }) => {
      const { path, note, index: proved } = parseTlogProof(text);
      const root = rootAt(size, nodeAt);
      expect(proved).toBe(index);
      expect(inclusionPath(index, size, nodeAt)).toEqual(path);
      expect(isInclusion(index, size, bytes(leaf), path, root)).toBe(true);
      expect(formatTlogProof({ index, path, note })).toBe(text);
    },
  );

  it.each(vectors.consistency)("size $to is proved an append to size $from", ({ from, to, proof }) => {
    const path = consistencyPath(from, to, nodeAt);
    expect(path.map(toBase64)).toEqual(proof);
    expect(isConsistency(from, to, rootAt(from, nodeAt), rootAt(to, nodeAt), path)).toBe(true);
    expect(isConsistency(from, to, rootAt(to, nodeAt), rootAt(to, nodeAt), path)).toBe(false);
  });

  it("the first entry of the second epoch names the last head of the first", async () => {
    const { entry_0: entry, note, vkey, links_to: old } = vectors.second_epoch;
    expect(decodeRecord(bytes(entry))).toMatchObject({
      type: 52,
      body: { origin: old.origin, size: old.size, root: fromBase64(old.root) },
    });
    expect(toBase64(rootAt(old.size, nodeAt))).toBe(old.root);
    const { text, signatures } = parseNote(note);
    expect(parseCheckpoint(text).root).toEqual(leafHash(bytes(entry)));
    expect(await verifyLine(text, signatures[0]?.line ?? "", parseVkey(vkey))).toEqual({});
  });
});

describe("AgentKeys v1 vectors: receipts", () => {
  it.each(vectors.receipts.filter(({ verdict }) => verdict === "accept"))(
    "accepted: $why",
    async ({ receipt, holder }) => {
      const parsed = parseReceipt(JSON.stringify(receipt));
      expect(JSON.parse(formatReceipt(parsed))).toEqual(receipt);
      const verified = await verifyReceipt(parsed, { log, witnesses: [witness] }, holder);
      expect(verified.record).toMatchObject({ type: 2, outcome: 1, validity: holder.validity });
      const cosigned = receipt.tlog_proof.includes(witness.name);
      expect(verified.cosignatures.map((cosignature) => cosignature.witness)).toEqual(cosigned ? [witness.name] : []);
    },
  );

  it.each(vectors.receipts.filter(({ verdict }) => verdict === "reject"))(
    "refused: $why",
    async ({ receipt, holder }) => {
      const verify = async () => verifyReceipt(parseReceipt(JSON.stringify(receipt)), { log }, holder);
      await expect(verify()).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
    },
  );
});
