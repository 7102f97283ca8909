import type { AuditEvent } from "@agentkeys/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cosignatureLine,
  commitEvent,
  formatCheckpoint,
  formatReceipt,
  formatTlogProof,
  fromBase64,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseTlogProof,
  parseVkey,
  receiptMediaType,
  signatureLine,
  signNote,
  toBase64,
  verifyReceipt,
  type Holder,
  type Receipt,
} from "../src/index.ts";
import { cosign, event, holder, log, makeReceipt, random, trust, witness } from "./made-receipt.ts";
import { makeSigner } from "./signer.ts";
import { vectors } from "./vectors.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_RECEIPT", facts: { reason: expect.any(String) } });
describe("a receipt's text", () => {
  const receipt = makeReceipt();
  const text = formatReceipt(receipt);
  const members = JSON.parse(text) as Record<string, unknown> & { openings: Record<string, unknown>[] };
  const opening = members.openings[0] ?? {};
  const evidence = { anchor: "solana", size: 8, note_hash: "ab".repeat(32), finality: 4, proof: { slot: 1 } };

  it("reads back as it was written, with bytes, evidence and all", () => {
    const { openings } = commitEvent(event, { random, indexKey: random(32) });
    const full: Receipt = { ...receipt, openings, anchors: [{ ...evidence, finality: 4 }] };
    expect(parseReceipt(formatReceipt(full))).toEqual(full);
    expect(receiptMediaType).toBe("application/vnd.agentkeys.audit-receipt.v1+json");
  });

  it("is at most 2.2 KB at a million records with a scope of 60 characters", () => {
    expect(event.scope?.length).toBeGreaterThanOrEqual(60);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2200);
  });

  it.each<[string, string]>([
    ["nothing", ""],
    ["null", "null"],
    ["a list", "[]"],
    ["no JSON", text.slice(1)],
    ["text after the end", `${text}x`],
    ["a comma too many", text.replace(/\}$/u, ",}")],
    ["a comment", `${text}//`],
    ["a byte order mark", `\ufeff${text}`],
    ["an unknown member", JSON.stringify({ ...members, note: "x" })],
    ["a missing member", JSON.stringify({ ...members, anchors: undefined })],
    ["a member twice", text.replace('{"entry"', '{"entry":"AAAA","entry"')],
    ["the same member twice, once escaped", text.replace('{"entry"', '{"\\u0065ntry":"AAAA","entry"')],
    ["a member of an opening twice", text.replace('{"key":6', '{"key":6,"key":6')],
    ["__proto__", text.replace('{"entry"', '{"__proto__":{},"entry"')],
    ["half a surrogate pair", text.replace("broker", "\ud800")],
    ["an entry that is no text", JSON.stringify({ ...members, entry: 1 })],
    ["base64 without padding", JSON.stringify({ ...members, entry: toBase64(Uint8Array.of(1)).replaceAll("=", "") })],
    ["base64 with a blank", JSON.stringify({ ...members, entry: ` ${toBase64(receipt.entry)}` })],
    ["base64url", JSON.stringify({ ...members, entry: "-_-_" })],
    ["base64 with stray bits", JSON.stringify({ ...members, entry: "AB==" })],
    ["anchors that are no list", JSON.stringify({ ...members, anchors: {} })],
    ["openings that are no list", JSON.stringify({ ...members, openings: {} })],
    ["an opening twice", JSON.stringify({ ...members, openings: [opening, opening] })],
    ["an opening of a plain field", JSON.stringify({ ...members, openings: [{ ...opening, key: 8 }] })],
    ["an opening of key 6.5", JSON.stringify({ ...members, openings: [{ ...opening, key: 6.5 }] })],
    ["an opening of key «6»", JSON.stringify({ ...members, openings: [{ ...opening, key: "6" }] })],
    ["an opening with a further member", JSON.stringify({ ...members, openings: [{ ...opening, x: 1 }] })],
    ["a salt of 31 bytes", JSON.stringify({ ...members, openings: [{ ...opening, salt: "ab".repeat(31) }] })],
    ["a salt in upper case", JSON.stringify({ ...members, openings: [{ ...opening, salt: "AB".repeat(32) }] })],
    ["an empty value", JSON.stringify({ ...members, openings: [{ ...opening, value: "" }] })],
    ["a value that is a number", JSON.stringify({ ...members, openings: [{ ...opening, value: 1 }] })],
    ["a value that is null", JSON.stringify({ ...members, openings: [{ ...opening, value: null }] })],
    ["a value that is not NFC", JSON.stringify({ ...members, openings: [{ ...opening, value: "e\u0301" }] })],
    ["half a surrogate pair, escaped", text.replace('"agt_', '"\\ud800')],
    ["an agent in hex", JSON.stringify({ ...members, openings: [{ ...opening, value: { hex: "ab".repeat(32) } }] })],
    ["an account in text", JSON.stringify({ ...members, openings: [{ ...opening, key: 5, value: "ab" }] })],
    [
      "an account of 31 bytes",
      JSON.stringify({ ...members, openings: [{ ...opening, key: 5, value: { hex: "ab" } }] }),
    ],
    ["evidence with cosignatures", JSON.stringify({ ...members, anchors: [{ ...evidence, cosignatures: [] }] })],
    ["evidence without a name", JSON.stringify({ ...members, anchors: [{ ...evidence, anchor: "" }] })],
    ["evidence of finality 5", JSON.stringify({ ...members, anchors: [{ ...evidence, finality: 5 }] })],
    ["evidence of a short hash", JSON.stringify({ ...members, anchors: [{ ...evidence, note_hash: "ab" }] })],
    ["evidence nested without end", `${text.slice(0, -1)},"anchors":${"[".repeat(100_000)}`],
    ["more than 1 MiB", `${text}${" ".repeat(1_048_576)}`],
  ])("with %s is refused", (_, wrong) => {
    expect(() => parseReceipt(wrong)).toThrow(refused);
  });

  it("may have blanks between its parts and escapes in its strings, as JSON has", () => {
    const spread = JSON.stringify(JSON.parse(text), null, 2).replaceAll("—", "\\u2014");
    expect(parseReceipt(spread)).toEqual(receipt);
  });

  it("of any kind is read or refused with ERR_AUDIT_RECEIPT", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (anything) => {
        expect(() => parseReceipt(anything)).toThrow(refused);
      }),
    );
  });
});

describe("verifying a receipt", () => {
  const receipt = makeReceipt();
  const cosigned = cosign(receipt);

  it("tells the record, its place, the head and the witnesses", async () => {
    const verified = await verifyReceipt(cosigned, trust, holder);
    expect(verified).toMatchObject({
      record: { id: event.id, validity: [1764000000, 1764000600] },
      index: 654_321,
      checkpoint: { origin: log.key.name, size: 1_000_000 },
      cosignatures: [{ witness: "witness.example/w1", timestamp: 1764000001 }],
    });
    expect(verified.openings.map(({ value }) => value)).toEqual([event.agent, event.scope, event.credential]);
    expect((await verifyReceipt(receipt, trust, holder)).cosignatures).toEqual([]);
    expect((await verifyReceipt(cosigned, { log: log.key }, holder)).cosignatures).toEqual([]);
  });

  it.each<[string, Partial<Holder>]>([
    ["another agent", { agent: "agt_00000000000000000000000000" }],
    ["another scope", { scope: '{"actions":["token"],"resources":["https://b.example.com"]}' }],
    ["another credential", { credential: "jti_00000000000000000000000000" }],
    ["an end later than recorded", { validity: [1764000000, 1764000601] }],
    ["an end sooner than recorded", { validity: [1764000000, 1764000599] }],
    ["another start", { validity: [1764000001, 1764000600] }],
  ])("refuses a holder with %s", async (_, change) => {
    await expect(verifyReceipt(receipt, trust, { ...holder, ...change })).rejects.toEqual(refused);
  });

  it("takes a holder whose credential has no start", async () => {
    await expect(
      verifyReceipt(receipt, trust, { ...holder, validity: [undefined, 1764000600] }),
    ).resolves.toBeDefined();
    await expect(verifyReceipt(receipt, trust, { ...holder, validity: [undefined, 1] })).rejects.toEqual(refused);
  });

  it("refuses a holder each of whose three openings is missing, and does without them when there is no holder", async () => {
    for (const key of [6, 9, 12]) {
      const openings = receipt.openings.filter((opening) => opening.key !== key);
      await expect(verifyReceipt({ ...receipt, openings }, trust, holder)).rejects.toEqual(refused);
      await expect(verifyReceipt({ ...receipt, openings }, trust)).resolves.toBeDefined();
    }
  });

  it.each<[string, Partial<AuditEvent>]>([
    ["an error", { outcome: 3, code: "ERR_X" }],
    ["a denial", { type: 3, outcome: 2, code: "ERR_X" }],
    ["an intent", { type: 1, outcome: 0 }],
    ["a use", { type: 5 }],
  ])("refuses a holder the record of %s, though it has all else", async (_, change) => {
    await expect(verifyReceipt(makeReceipt(change), trust, holder)).rejects.toEqual(refused);
    await expect(verifyReceipt(makeReceipt(change), trust)).resolves.toBeDefined();
  });

  it("refuses two receipts with their parts swapped", async () => {
    const other = makeReceipt();
    await expect(verifyReceipt({ ...receipt, entry: other.entry }, trust)).rejects.toEqual(refused);
    await expect(verifyReceipt({ ...receipt, tlogProof: other.tlogProof }, trust)).rejects.toEqual(refused);
    await expect(verifyReceipt({ ...receipt, openings: other.openings }, trust)).rejects.toEqual(refused);
  });

  it("refuses the head of another log, even one signed with the same key", async () => {
    const other = makeSigner("broker.example.com/audit/k4t7m2xq/2", 1, random(32));
    await expect(verifyReceipt(receipt, { log: other.key }, holder)).rejects.toEqual(refused);
    await expect(verifyReceipt(receipt, { log: { ...log.key, name: other.key.name } }, holder)).rejects.toEqual(
      refused,
    );
    await expect(verifyReceipt(receipt, { log: { ...log.key, algorithm: 4 } }, holder)).rejects.toEqual(refused);
  });

  it("refuses the head of another origin that bears the log's own signature", async () => {
    const { path } = parseTlogProof(receipt.tlogProof);
    const { root } = parseCheckpoint(parseNote(parseTlogProof(receipt.tlogProof).note).text);
    const text = formatCheckpoint({ origin: "broker.example.com/audit/k4t7m2xq/2", size: 1_000_000, root });
    const tlogProof = formatTlogProof({ index: 654_321, path, note: signNote(text, log.key, log.sign) });
    await expect(verifyReceipt({ ...receipt, tlogProof }, trust)).rejects.toEqual(refused);
  });

  it("refuses a head that the log's name only cosigned, even where that key is trusted as the log's", async () => {
    const cosigner = makeSigner(log.key.name, 4, random(32));
    const { text } = parseNote(parseTlogProof(receipt.tlogProof).note);
    const tlogProof = receipt.tlogProof + cosignatureLine(text, cosigner.key, 1764000000, cosigner.sign);
    await expect(verifyReceipt({ ...receipt, tlogProof }, { log: cosigner.key })).rejects.toEqual(refused);
  });

  it("refuses a head that only an unknown key signed", async () => {
    const stranger = makeSigner(log.key.name, 1, random(32));
    await expect(verifyReceipt(receipt, { log: stranger.key }, holder)).rejects.toEqual(refused);
  });

  it("refuses a note with a false line under the name and id of a known key, and ignores one of an unknown", async () => {
    const falseLine = `— ${log.key.name} ${toBase64(Uint8Array.from([...log.key.id, ...random(64)]))}\n`;
    const falseWitness = `— ${witness.key.name} ${toBase64(Uint8Array.from([...witness.key.id, ...random(72)]))}\n`;
    const unknown = `— ${witness.key.name} ${toBase64(random(76))}\n`;
    await expect(verifyReceipt(makeReceipt({}, falseLine), trust)).rejects.toEqual(refused);
    await expect(verifyReceipt(makeReceipt({}, falseWitness), trust)).rejects.toEqual(refused);
    const verified = await verifyReceipt(makeReceipt({}, unknown), trust);
    expect(verified.cosignatures).toEqual([]);
  });

  it("counts a witness that signed twice once", async () => {
    const { cosignatures } = await verifyReceipt(cosign(cosigned), trust);
    expect(cosignatures).toHaveLength(1);
  });

  it("counts no witness whose key is not one for cosignatures, though it signed", async () => {
    const plain = makeSigner("plain.example", 1, random(32));
    const { text } = parseNote(parseTlogProof(receipt.tlogProof).note);
    const tlogProof = receipt.tlogProof + signatureLine(plain.key, plain.sign(new TextEncoder().encode(text)));
    const { cosignatures } = await verifyReceipt({ ...receipt, tlogProof }, { log: log.key, witnesses: [plain.key] });
    expect(cosignatures).toEqual([]);
  });

  it("fails, or no longer counts the witness, when any one byte of the receipt is changed", async () => {
    const text = formatReceipt(cosigned);
    const written = Buffer.from(text);
    const places = fc.tuple(fc.nat({ max: written.length - 1 }), fc.integer({ min: 1, max: 255 }));
    const verify = async (changed: string) => verifyReceipt(parseReceipt(changed), trust, holder);
    await fc.assert(
      fc.asyncProperty(places, async ([at, change]) => {
        const bytes = Buffer.from(written);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        const changed = bytes.toString();
        const verified = await verify(changed).catch((error: unknown) => error);
        expect([refused, expect.objectContaining({ cosignatures: [] })]).toContainEqual(verified);
      }),
      { numRuns: 600 },
    );
    await expect(verify(text)).resolves.toMatchObject({ cosignatures: [{ timestamp: 1764000001 }] });
  });

  it("fails when any one bit of the entry, a hash, the head or a salt is flipped", async () => {
    const [first, ...lines] = receipt.tlogProof.split("\n");
    const hash = fromBase64(lines[5] ?? "");
    const flips: Receipt[] = [
      ...Array.from(receipt.entry, (byte, at) => ({ ...receipt, entry: receipt.entry.with(at, byte ^ 1) })),
      ...Array.from(hash, (byte, at) => {
        const tlogProof = [first, ...lines.with(5, toBase64(hash.with(at, byte ^ 128)))].join("\n");
        return { ...receipt, tlogProof };
      }),
      ...receipt.openings.map((opening, at) => {
        const salt = opening.salt.with(0, (opening.salt[0] ?? 0) ^ 1);
        return { ...receipt, openings: receipt.openings.with(at, { ...opening, salt }) };
      }),
    ];
    for (const flipped of flips) await expect(verifyReceipt(flipped, trust)).rejects.toEqual(refused);
  });

  it("is the same for every known log, however many were verified before", async () => {
    const { receipt: old, holder: oldHolder } = vectors.receipts[0] ?? {};
    if (old === undefined || oldHolder === undefined) throw new Error("no vector");
    for (let at = 0; at < 300; at++) {
      const stranger = makeSigner(vectors.log.origin, 1, random(32));
      await expect(verifyReceipt(parseReceipt(JSON.stringify(old)), { log: stranger.key })).rejects.toEqual(refused);
    }
    const known = { log: parseVkey(vectors.log.vkey) };
    await expect(verifyReceipt(parseReceipt(JSON.stringify(old)), known, oldHolder)).resolves.toBeDefined();
  });
});
