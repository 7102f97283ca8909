import { parseVkey, type Holder } from "@agentkeys/log";
import { beforeAll, describe, expect, it } from "vitest";
import { parseTrustPolicy, verify } from "../src/index.ts";
import { needPython, prepare, runPython } from "./python.ts";
import { makeReceipt, makeSigner, policy, vectors } from "./support.ts";

interface Case {
  readonly receipt: string;
  readonly log: string;
  readonly witnesses: readonly string[];
  readonly holder: Holder | null;
}
interface Judgement {
  readonly accepted: boolean;
  readonly reason: string;
  readonly witnesses: readonly string[];
}

let unable: string | undefined;

function judge(cases: readonly Case[]): Judgement[] {
  return runPython("verify_receipt.py", cases) as Judgement[];
}

beforeAll(() => {
  unable = prepare();
}, 300_000);

/** Ways to write a receipt otherwise, and whether it is the same receipt then. */
const spellings: readonly (readonly [name: string, change: (text: string) => string, isGood: boolean])[] = [
  [
    "a whole number written otherwise",
    (text) => text.replace('"key":5', '"key":5.0').replace('"key":6', '"key":6e0'),
    true,
  ],
  ["blanks of JSON", (text) => text.replace(",", " ,\t\r\n"), true],
  ["letters escaped", (text) => text.replace('"entry"', String.raw`"\u0065ntry"`), true],
  ["a blank that JSON has not", (text) => text.replace(",", ",\u00A0"), false],
  ["a byte order mark", (text) => `\uFEFF${text}`, false],
  ["a key that stands twice", (text) => text.replace("{", '{"anchors":[],'), false],
  ["such a key, once escaped", (text) => text.replace("{", String.raw`{"\u0061nchors":[],`), false],
  ["a member that every object has", (text) => text.replace("{", '{"__proto__":null,'), false],
  ["such a member in place of one", (text) => text.replace('"anchors":[]', '"constructor":[]'), false],
  ["a number too large", (text) => text.replace('"key":5', '"key":1e400'), false],
  ["a key as text", (text) => text.replace('"key":5', '"key":"5"'), false],
  ["half a letter", (text) => text.replace('"anchors":[]', String.raw`"anchors":["\ud800"]`), false],
];

describe("a verifier in Python that shares no code with this one", () => {
  it("accepts and rejects the receipts of the vectors as they say", (context) => {
    needPython(context, unable);
    const cases = vectors.receipts.map(({ receipt, holder }) => ({
      receipt: JSON.stringify(receipt),
      log: vectors.log.vkey,
      witnesses: [vectors.log.witness_vkey],
      holder,
    }));
    const verdicts = judge(cases).map(({ accepted }) => (accepted ? "accept" : "reject"));
    expect(verdicts).toEqual(vectors.receipts.map(({ verdict }) => verdict));
    expect(judge(cases)[1]?.witnesses).toEqual([parseVkey(vectors.log.witness_vkey).name]);
  });

  it("accepts receipts freshly made, at every place of logs of many sizes, with their witnesses", (context) => {
    needPython(context, unable);
    const log = makeSigner("fresh.example/audit/k4t7m2xq/1", 1);
    const witnesses = [makeSigner("w.example/1", 4), makeSigner("w.example/2", 4)];
    const places = [1, 2, 3, 7, 8, 9, 33].flatMap((size) => [0, size >> 1, size - 1].map((index) => ({ size, index })));
    const cases = places.map(({ size, index }) => {
      const { text, holder } = makeReceipt(log, witnesses, size, index);
      return { receipt: text, log: log.vkey, witnesses: witnesses.map(({ vkey }) => vkey), holder };
    });
    const expected = { accepted: true, reason: "", witnesses: ["w.example/1", "w.example/2"] };
    expect(judge(cases)).toEqual(cases.map(() => expected));
  });

  it("judges receipts with one byte changed, wherever it is, as this one does", async (context) => {
    needPython(context, unable);
    const trust = parseTrustPolicy(policy);
    const witnessed = vectors.receipts[1];
    if (witnessed === undefined) throw new Error("no vector");
    const written = Buffer.from(JSON.stringify(witnessed.receipt));
    const changed = Array.from(written, (byte, at) => {
      const bytes = Buffer.from(written);
      bytes[at] = byte ^ (1 << (at % 7));
      return bytes.toString();
    });
    const { holder } = witnessed;
    const { log } = vectors;
    const cases = changed.map((receipt) => ({ receipt, log: log.vkey, witnesses: [log.witness_vkey], holder }));
    const theirs = judge(cases).map(({ accepted, witnesses }) => (accepted ? witnesses.length : "INVALID"));
    const ours = [];
    for (const text of changed) {
      const verdict = await verify(text, trust, { holder });
      ours.push(verdict.level === "INVALID" ? "INVALID" : verdict.witnesses.length);
    }
    expect(ours).toEqual(theirs);
    // Only in the name and id of the witness's line does a changed byte leave a receipt that holds, without its witness.
    expect(ours).not.toContain(1);
    expect(ours.filter((verdict) => verdict === 0).length).toBeLessThan(30);
  });

  it("judges every spelling of a receipt as this one does", async (context) => {
    needPython(context, unable);
    const log = makeSigner("fresh.example/audit/k4t7m2xq/1", 1);
    const { text, holder } = makeReceipt(log, [], 3, 1);
    const cases = spellings.map(([, change]) => ({ receipt: change(text), log: log.vkey, witnesses: [], holder }));
    expect(cases.filter(({ receipt }) => receipt === text)).toEqual([]);
    const theirs = judge(cases).map(({ accepted }) => accepted);
    const trust = parseTrustPolicy(`log ${log.vkey}\nquorum none\n`);
    const ours = [];
    for (const { receipt } of cases) ours.push((await verify(receipt, trust, { holder })).level !== "INVALID");
    const named = (verdicts: readonly boolean[]) => spellings.map(([name], at) => [name, verdicts[at]]);
    const expected = spellings.map(([name, , isGood]) => [name, isGood]);
    expect([named(ours), named(theirs)]).toEqual([expected, expected]);
  });
});
