import { describe, expect, it } from "vitest";
import { auditLog, joinEpochs, parseTrustEpochs, parseTrustPolicy, type AuditOptions } from "../src/index.ts";
import { audit, now, origin, reasonOf, second, trustOf } from "./audits.ts";
import { MadeLog, started } from "./made-log.ts";
import { makeSigner } from "./support.ts";

describe("a log whose key was rotated", () => {
  const keys = [0, 1, 2].map(() => makeSigner(origin, 1)) as [
    ReturnType<typeof makeSigner>,
    ...ReturnType<typeof makeSigner>[],
  ];
  const vkey = (at: number) => keys[at]?.vkey ?? "";
  const rotated = new MadeLog(origin, [...keys])
    .fill(5)
    .add({ type: 41, body: { vkey: vkey(1) } })
    .fill(2);
  rotated.add({ type: 41, body: { vkey: vkey(2) } }).fill(2);
  const trust = (...at: number[]) => parseTrustPolicy(`${at.map((key) => `log ${vkey(key)}\n`).join("")}quorum none\n`);
  const auditBy = async (...at: number[]) => auditLog(rotated.reader(), trust(...at), { now, entries: true });

  it("is sound for who knows all its keys, or the last two, or one of these, and tells the new ones", async () => {
    expect(await auditBy(0, 1, 2)).toMatchObject({
      level: "SIGNED",
      newKeys: [],
      records: {
        rotations: [
          { index: 5, vkey: vkey(1) },
          { index: 8, vkey: vkey(2) },
        ],
      },
    });
    expect(await auditBy(1)).toMatchObject({ level: "SIGNED", newKeys: [vkey(2)] });
    expect(await auditBy(2)).toMatchObject({ level: "SIGNED", newKeys: [vkey(1)] });
    expect(await reasonOf(auditBy(0))).toBe("INVALID: no log of the policy signed this head");
  });

  it("is invalid for trust files with its keys in another order", async () => {
    expect(await reasonOf(auditBy(2, 1))).toContain("in another order");
  });

  it("is invalid when its newest key did not sign the head: an old one may be stolen", async () => {
    const old = (path: string, bytes: Uint8Array | undefined) =>
      path === "checkpoint" ? Uint8Array.from(Buffer.from(rotated.head(undefined, keys.slice(1, 2)))) : bytes;
    const verdict = auditLog(rotated.reader(old), trust(0, 1, 2), { now, entries: true });
    expect(await reasonOf(verdict)).toBe("INVALID: the key that entry 8 rotated in did not sign the head");
  });

  it("is invalid when a trusted key signed that was never rotated in beside the first", async () => {
    const made = new MadeLog(origin, keys.slice(0, 2)).fill(3);
    expect(await reasonOf(auditLog(made.reader(), trust(0, 1), { now, entries: true }))).toContain("never rotated in");
  });

  it("is invalid when a key is rotated in twice", async () => {
    const twice = new MadeLog(origin, [...keys])
      .add({ type: 41, body: { vkey: vkey(2) } })
      .add({ type: 41, body: { vkey: vkey(2) } });
    expect(await reasonOf(audit(twice))).toContain("entry 1: the new key was rotated in before");
  });
});

describe("an epoch", () => {
  const first = new MadeLog(origin).fill(300);
  const genesisOf = (size: number, root = first.tree(size).root) => ({ type: 52, body: { origin, size, root } });
  const next = (size = 300, root?: Uint8Array) => new MadeLog(second).add(genesisOf(size, root)).fill(9);
  const trust = (log2: MadeLog) => parseTrustPolicy(`log ${first.vkeys[0]}\nlog ${log2.vkeys[0]}\nquorum none\n`);
  const auditNext = async (log2: MadeLog, old: MadeLog | undefined, options: Partial<AuditOptions> = {}) =>
    auditLog(log2.reader(), trust(log2), {
      now,
      entries: true,
      epochReader: (name) => (name === origin ? old?.reader() : undefined),
      ...options,
    });

  it.each([0, 256, 299, 300])("goes on from %i entries of the one before, whose tiles are checked", async (size) => {
    const log2 = next(size);
    expect(await auditNext(log2, first)).toMatchObject({ level: "SIGNED", link: { origin, size, checked: true } });
  });

  it("says that its link was not checked where the epoch before cannot be read", async () => {
    const log2 = next();
    const verdict = await auditNext(log2, undefined);
    expect(verdict).toMatchObject({ level: "SIGNED", link: { origin, size: 300, checked: false } });
    expect(verdict.notProven.join("\n")).toContain(`That it goes on from ${origin} at 300`);
    const unknown = await auditLog(log2.reader(), trustOf(log2), {
      now,
      entries: true,
      epochReader: () => first.reader(),
    });
    expect(unknown).toMatchObject({ link: { checked: false } });
  });

  it("whose link names another root, or more entries than there are, is told", async () => {
    expect(await reasonOf(auditNext(next(300, new Uint8Array(32)), first))).toContain(
      "FORKED: the log goes on from root",
    );
    const shorter = new MadeLog(origin, first.signers).fill(200);
    expect(await reasonOf(auditNext(next(300), shorter))).toContain("REWOUND: the log goes on from 300 records");
  });

  it("that goes on from fewer entries than were seen before is told as a rewind, with both notes", async () => {
    const log2 = next(200);
    const verdict = await auditNext(log2, first, { since: first.head(250) });
    expect(verdict).toMatchObject({ level: "REWOUND", notes: [first.head(250), log2.head()] });
    expect(await auditNext(log2, first, { since: first.head(150) })).toMatchObject({
      level: "SIGNED",
      since: 150,
      link: { checked: true },
    });
    expect(await auditNext(log2, undefined, { since: first.head(200) })).toMatchObject({ since: 200 });
    expect(await auditNext(log2, undefined, { since: first.head(150) })).toMatchObject({
      notProven: expect.arrayContaining([expect.stringContaining("is of the epoch before, which was not read")]),
    });
    const forked = new MadeLog(origin, first.signers).add({ time: started + 1 }).fill(200);
    expect(await auditNext(log2, first, { since: forked.head(150) })).toMatchObject({ level: "FORKED" });
    expect(await auditNext(log2, undefined, { since: forked.head(200) })).toMatchObject({ level: "FORKED" });
  });

  it("past the first has to say what it goes on from, and the first must not", async () => {
    const bare = new MadeLog(second).fill(3);
    expect(await reasonOf(auditNext(bare, first))).toContain("entry 0 does not say which epoch");
    const wrong = new MadeLog(origin).add({ type: 52, body: { origin: second, size: 0, root: new Uint8Array(32) } });
    expect(await reasonOf(audit(wrong))).toContain("the first epoch goes on from another");
  });

  it("has to go on from the epoch that the trust files name", async () => {
    const log2 = next();
    const epochs = (previous: string) =>
      parseTrustEpochs(
        `[[epoch]]\norigin = "${previous}"\nvkeys = ["${makeSigner(previous, 1).vkey}"]\n` +
          `[[epoch]]\norigin = "${second}"\nvkeys = ["${log2.vkeys[0]}"]\nprevious = "${previous}"\n`,
      );
    const none = parseTrustPolicy("quorum none\n");
    const options = { now, entries: true };
    expect(await auditLog(log2.reader(), joinEpochs(none, epochs(origin)), options)).toMatchObject({ level: "SIGNED" });
    const other = "keys.example.com/audit/00000000/1";
    expect(await reasonOf(auditLog(log2.reader(), joinEpochs(none, epochs(other)), options))).toContain(
      "your trust files say from",
    );
  });
});
