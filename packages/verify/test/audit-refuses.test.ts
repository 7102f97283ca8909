import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogReader } from "../src/index.ts";
import { anchored, audit, flip, now, origin, reasonOf, second } from "./audits.ts";
import { idOf, MadeLog, started } from "./made-log.ts";
import { makeSigner } from "./support.ts";

const log = new MadeLog(origin).fill(700);

describe("an audit refuses", () => {
  it.each([
    ["tile/0/001", "is not the one that the log's tile has"],
    ["tile/0/002.p/188", "is not the one that the log's tile has"],
    ["tile/1/000.p/2", "tile 0 of level 1 is not made of the tiles below it"],
    ["tile/entries/001", "entry "],
    ["tile/entries/002.p/188", "entry "],
    ["checkpoint", ""],
  ])("a flipped byte anywhere in %s", async (path, said) => {
    const { length } = log.resource(path) as Uint8Array;
    const places = fc.sample(fc.nat(length - 1), { numRuns: 12, seed: 7 });
    for (const at of places) expect(await reasonOf(audit(log, log.reader(flip(path, at))))).toMatch(/^INVALID: /u);
    expect(await reasonOf(audit(log, log.reader(flip(path, 40))))).toContain(said);
  });

  it("a flipped byte in a tile of level 0 where the entries are not read", async () => {
    const verdict = audit(log, log.reader(flip("tile/0/001", 999)), { entries: false });
    expect(await reasonOf(verdict)).toBe("INVALID: its tiles do not make the root it signed");
  });

  it.each([
    ["tile/0/002.p/188", "tile/0/002.p/188 is missing"],
    ["tile/1/000.p/2", "tile/1/000.p/2 is missing"],
    ["tile/entries/002.p/188", "tile/entries/002.p/188 is missing"],
    ["checkpoint", "there is no checkpoint here; a log is at https://BROKER/v1/audit/logs/LOG_ID"],
  ])("a log without %s", async (missing, said) => {
    const reader = log.reader((path, bytes) => (path === missing ? undefined : bytes));
    expect(await reasonOf(audit(log, reader))).toBe(`INVALID: ${said}`);
  });

  it.each([
    ["tile/0/002.p/188", "is not 188 hashes"],
    ["tile/entries/002.p/188", "is not"],
    ["tile/0/000", "is not 256 hashes"],
  ])("a log whose %s has lost its tail", async (cut, said) => {
    const bundle = new MadeLog(origin);
    bundle.entries.push(...log.entries.slice(512, 600));
    const shorter = cut.includes("entries") ? bundle.resource("tile/entries/000.p/88") : undefined;
    const reader = log.reader((path, bytes) => (path === cut ? (shorter ?? bytes?.slice(0, -32)) : bytes));
    expect(await reasonOf(audit(log, reader))).toContain(said);
  });

  it("the bundles and the tiles of another log", async () => {
    const other = new MadeLog(origin).add({ time: started + 5 }).fill(699);
    const bundles = log.reader((path, bytes) => (path.startsWith("tile/entries/") ? other.resource(path) : bytes));
    expect(await reasonOf(audit(log, bundles))).toBe("INVALID: entry 0 is not the one that the log's tile has");
    const tiles = log.reader((path, bytes) => (path === "checkpoint" ? bytes : other.resource(path)));
    expect(await reasonOf(audit(log, tiles))).toBe("INVALID: its tiles do not make the root it signed");
  });

  it("a head that another key signed, or that is of another log", async () => {
    const stranger = new MadeLog(origin).fill(700);
    expect(await reasonOf(audit(log, stranger.reader()))).toBe("INVALID: no log of the policy signed this head");
    const other = new MadeLog("other.example/1", [makeSigner("other.example/1", 1)]).fill(3);
    expect(await reasonOf(audit(log, other.reader()))).toBe("INVALID: no log of the policy signed this head");
  });

  it.each<[string, (made: MadeLog) => unknown, string]>([
    [
      "an entry that is no record",
      (made) => made.entries.push(Uint8Array.of(0xa0)),
      "entry 3: not a canonical audit record",
    ],
    ["an empty entry", (made) => made.entries.push(new Uint8Array()), "entry 3: not a canonical"],
    ["an id twice", (made) => made.add({ id: idOf(1, started + 1000) }), "entry 3: its id"],
    [
      "a time after the auditor's clock",
      (made) => made.add({ time: now + 90_000_000 }),
      "entry 3: its time is more than a day after",
    ],
    [
      "a genesis past entry 0",
      (made) => made.add({ type: 52, body: { origin: "x", size: 1, root: new Uint8Array(32) } }),
      "entry 3: an epoch's genesis",
    ],
    [
      "an entry behind the seal",
      (made) => made.add({ type: 53, body: { successor: second } }).add(),
      "entry 4: it stands behind",
    ],
    ["a seal without a successor", (made) => made.add({ type: 53, body: {} }), "entry 3: the members of its body"],
    [
      "a key of another log",
      (made) => made.add({ type: 41, body: { vkey: makeSigner("x.example", 1).vkey } }),
      "entry 3: the new key is not one of this log",
    ],
    ["no key at all", (made) => made.add({ type: 41, body: { vkey: "x" } }), "entry 3: "],
    [
      "a head larger than the log was",
      (made) => made.add(anchored(made, 3, {}, 4)),
      "entry 3: the head that was anchored is larger",
    ],
  ])("%s", async (_, change, said) => {
    const made = new MadeLog(origin).fill(3);
    change(made);
    expect(await reasonOf(audit(made))).toContain(`INVALID: ${said}`);
  });

  it("whatever a server answers in place of a tile, without an exception", async () => {
    const paths = ["checkpoint", "tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({ maxLength: 9000 }), async (wanted, garbage) => {
        const verdict = await audit(
          log,
          log.reader((path, bytes) => (path === wanted ? garbage : bytes)),
        );
        expect(verdict.level).toBe("INVALID");
      }),
      { numRuns: 25 },
    );
  });

  it("a resource of more bytes than it may have, and one that cannot be read, saying why", async () => {
    const huge = log.reader((path, bytes) => (path === "tile/0/001" ? new Uint8Array(8193) : bytes));
    expect(await reasonOf(audit(log, huge))).toBe("INVALID: tile/0/001 is over 8192 bytes");
    const broken: LogReader = { read: () => Promise.reject(new Error("connection refused")) };
    expect(await reasonOf(audit(log, broken))).toBe("INVALID: checkpoint could not be read: connection refused");
  });
});
