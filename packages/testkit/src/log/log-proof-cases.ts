import type { AuditEvent } from "@agentkeys/core";
import {
  cosignatureLine,
  formatVkey,
  fromHex,
  leafHash,
  logId,
  noteHash,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseVkey,
  rootFromInclusion,
  parseTlogProof,
  toBase64,
  toHex,
  verifyLine,
  type Receipt,
} from "@agentkeys/log";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectRefusal, isSameJson } from "../expect.ts";
import { makeSigner } from "../test-log.ts";
import type { LogFixture } from "./log-fixture.ts";
import {
  agentFields,
  appendOne,
  defineLogCase as define,
  expectPrefix,
  expectReceipt,
  makeEvent,
  makeEvents,
  without,
  type Head,
} from "./log-subject.ts";

/** What heads, proofs and receipts promise. */
export const logProofCases: readonly ConformanceCase<LogFixture>[] = [
  define("LOG-09", "a head is a checkpoint of the log's origin, signed by the log's key", async (subject) => {
    for (const count of [0, 1, 4]) {
      await subject.instance.append(makeEvents(10 * count, 11 * count), subject.call());
      const { origin, logId: id, size, root, note, vkey } = await subject.instance.head(subject.call());
      const key = parseVkey(vkey);
      const { text, signatures } = parseNote(note);
      const checkpoint = parseCheckpoint(text);
      check(key.algorithm === 1 && key.name === origin, "the log's key does not bear the log's origin");
      check(id === toHex(logId(origin)), "the log's id is not the hash of its origin");
      const isSame = checkpoint.origin === origin && checkpoint.size === size && toBase64(checkpoint.root) === root;
      check(isSame, "the head says something else than its note");
      check(signatures.length === 1, "the head bears another number of signatures than one");
      check(
        (await verifyLine(text, signatures[0]?.line ?? "", key)) !== undefined,
        "the log's signature does not hold",
      );
    }
  }),
  define("LOG-10", "every head is a prefix of every later one, also after the log is opened again", async (subject) => {
    const heads: Head[] = [await subject.instance.head(subject.call())];
    let { instance } = subject;
    let next = 0;
    for (const count of [1, 1, 2, 3, 5, 8, 13]) {
      await instance.append(makeEvents(next, next + count), subject.call());
      next += count;
      heads.push(await instance.head(subject.call()));
      if (count !== 5) continue;
      await instance.close();
      instance = await subject.open();
    }
    for (const [at, older] of heads.entries())
      for (const newer of heads.slice(at)) await expectPrefix(instance, subject, older, newer);
  }),
  define("LOG-11", "a proof between sizes that the log never had is refused", async (subject) => {
    const { instance, call } = subject;
    await instance.append(makeEvents(0, 5), call());
    const { size } = await instance.head(call());
    check((await instance.prove(0, size, call())).length === 0, "a proof from nothing is not empty");
    check((await instance.prove(size, size, call())).length === 0, "a proof to the same size is not empty");
    for (const [from, to] of [
      [3, 2],
      [1, size + 1],
      [-1, 2],
      [0.5, 2],
      [1, NaN],
      [1, Infinity],
    ] as const)
      await expectRefusal(instance.prove(from, to, call()), ["ERR_AUDIT_PROOF"], `a proof from ${from} to ${to}`);
  }),
  define(
    "LOG-12",
    "a receipt opens to the agent its own id, the scope and the credential, and no more",
    async (subject) => {
      const event = makeEvent(0, { wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045" });
      const { receipt: text } = await appendOne(subject, event);
      const { vkey } = await subject.instance.head(subject.call());
      const { receipt } = await expectReceipt(text, event, vkey);
      const opened = receipt.openings.map(({ key }) => key);
      check(
        isSameJson(
          opened.toSorted((one, other) => one - other),
          agentFields,
        ),
        `it opens the fields ${opened.join(", ")}`,
      );
      check(receipt.anchors.length === 0, "a fresh receipt has evidence of anchors");
      const spare: AuditEvent = { id: makeEvent(1).id, time: event.time, type: 40, outcome: 0, body: { plugins: [] } };
      const { receipt: bare } = await appendOne(subject, spare);
      check(
        (await expectReceipt(bare, spare, vkey)).receipt.openings.length === 0,
        "a record without personal fields opens some",
      );
    },
  ),
  define(
    "LOG-13",
    "a receipt opens the fields that were asked for, and leaves out those the record lacks",
    async (subject) => {
      const { instance, call } = subject;
      const event = makeEvent(0);
      await appendOne(subject, event);
      const { vkey } = await instance.head(call());
      const text = await instance.receipt({ record: event.id, open: [5, 6, 9, 11, 12] }, call());
      const { openings } = (await expectReceipt(text ?? "", event, vkey)).receipt;
      const values = new Map(openings.map(({ key, value }) => [key, value]));
      check(openings.length === 5, "it does not open every field that was asked for");
      check(isSameJson(values.get(5), fromHex(event.account ?? "")), "the account is opened as something else");
      check(values.get(11) === event.grant, "the grant is opened as something else");
      const lacking = without(makeEvent(1, { type: 3, outcome: 2, code: "ERR_GRANT_DENIED" }), "grant");
      await appendOne(subject, lacking);
      const { receipt } = await expectReceiptOf(
        await instance.receipt({ record: lacking.id, open: [6, 11] }, call()),
        vkey,
      );
      check(
        isSameJson(
          receipt.openings.map(({ key }) => key),
          [6],
        ),
        "it opens a field that the record lacks",
      );
    },
  ),
  define(
    "LOG-14",
    "a receipt is made under any size that holds the record, with cosignatures and evidence",
    async (subject) => {
      const { instance, call } = subject;
      await instance.append(makeEvents(0, 3), call());
      const older = await instance.head(call());
      await instance.append(makeEvents(3, 9), call());
      const witness = makeSigner("witness.example");
      const vkey = formatVkey("witness.example", 4, witness.publicKey);
      const { text } = parseNote(older.note);
      const line = cosignatureLine(text, parseVkey(vkey), 1_767_225_600, witness.sign);
      const evidence = {
        anchor: "far",
        size: older.size,
        note_hash: toHex(noteHash(text)),
        finality: 4,
        proof: { a: 1 },
      } as const;
      for (const event of makeEvents(0, 3)) {
        const ask = {
          record: event.id,
          open: agentFields,
          size: older.size,
          cosignatures: [line],
          anchors: [evidence],
        };
        const made = await instance.receipt(ask, call());
        const { receipt, verified } = await expectReceipt(made ?? "", event, older.vkey, [vkey]);
        check(verified.checkpoint.size === older.size, "the receipt is under another head");
        check(toBase64(verified.checkpoint.root) === older.root, "the receipt is under another root");
        check(verified.cosignatures.length === 1, "the cosignature does not stand in the receipt");
        check(isSameJson(receipt.anchors, [evidence]), "the evidence does not stand in the receipt");
      }
      const newest = await instance.receipt({ record: makeEvent(0).id, open: [] }, call());
      const { size } = await expectReceiptOf(newest, older.vkey);
      check(size === (await instance.head(call())).size, "without a size, the receipt is not under the newest head");
    },
  ),
  define(
    "LOG-15",
    "there is no receipt of an unknown record, nor under a size that does not hold the record",
    async (subject) => {
      const { instance, call } = subject;
      await instance.append(makeEvents(0, 3), call());
      const { size } = await instance.head(call());
      for (const record of [makeEvent(99).id, "", "x", "' OR 1=1 --"]) {
        check((await instance.receipt({ record, open: [6] }, call())) === undefined, "an unknown record has a receipt");
        check((await instance.find(record, call())) === undefined, "an unknown record is found");
      }
      for (const wrong of [0, size - 1, size + 1, -1, 0.5]) {
        const ask = { record: makeEvent(2).id, open: [6], size: wrong };
        const [result] = await Promise.allSettled([instance.receipt(ask, call())]);
        const isMade = result?.status === "fulfilled" && result.value !== undefined;
        check(!isMade, `there is a receipt under the size ${wrong}, which does not hold the record`);
        if (result?.status === "rejected")
          await expectRefusal(
            Promise.reject(result.reason as Error),
            ["ERR_AUDIT_PROOF"],
            `a receipt under the size ${wrong}`,
          );
      }
    },
  ),
];

/** The receipt of whatever record, and the size of the head it leads to, which the log has signed. */
async function expectReceiptOf(
  text: string | undefined,
  vkey: string,
): Promise<{ readonly receipt: Receipt; readonly size: number }> {
  const receipt = parseReceipt(text ?? "");
  const { index, path, note } = parseTlogProof(receipt.tlogProof);
  const { text: signed, signatures } = parseNote(note);
  const { size, root } = parseCheckpoint(signed);
  const led = rootFromInclusion(index, size, leafHash(receipt.entry), path);
  check(toBase64(led) === toBase64(root), "the receipt's proof does not lead to its head");
  const line = signatures[0]?.line ?? "";
  check((await verifyLine(signed, line, parseVkey(vkey))) !== undefined, "the receipt's head is not signed by the log");
  return { receipt, size };
}
