import { setImmediate } from "node:timers/promises";
import { cosignatureLine } from "@agentkeys/log";
import { describe, expect, it } from "vitest";
import {
  auditLog,
  formatForkProof,
  judgeForkProof,
  parseForkProof,
  parseTrustPolicy,
  type LogReader,
} from "../src/index.ts";
import { audit, flip, now, origin, reasonOf, trustOf } from "./audits.ts";
import { idOf, MadeLog, started } from "./made-log.ts";
import { makeSigner } from "./support.ts";

const log = new MadeLog(origin).fill(700);

describe("an audit", () => {
  it("finds a log sound whose every hash is made again from its entries", async () => {
    expect(await audit(log)).toMatchObject({
      level: "SIGNED",
      origin,
      size: 700,
      root: log.tree().root,
      records: { count: 700, rotations: [], lateIds: 0, findings: [] },
      newKeys: [],
      anchors: [],
    });
  });

  it.each([0, 1, 255, 256, 257, 512, 700])(
    "finds a log of %i entries sound, with and without its entries",
    async (size) => {
      const made = new MadeLog(origin).fill(size);
      expect(await audit(made)).toMatchObject({ level: "SIGNED", size, records: { count: size } });
      const without = await audit(made, made.reader(), { entries: false });
      expect(without).toMatchObject({ level: "SIGNED", size });
      expect(without).not.toHaveProperty("records");
      expect(without.notProven.join("\n")).toContain("only their hashes were read");
    },
  );

  it("reads tiles of two levels above the leaves", async () => {
    const entry = log.entries[0] as Uint8Array;
    const many = new MadeLog(origin);
    for (let at = 0; at < 66_000; at++) many.entries.push(entry);
    const nodes = many.tree().nodes.filter(({ level }) => level % 8 === 0);
    const byPlace = new Map(nodes.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
    const paths: string[] = [];
    const reader: LogReader = {
      read: async (path) => {
        paths.push(path);
        if (path === "checkpoint") return many.resource(path);
        const [, level = "", group = "", width = "256"] = /^tile\/(\d)\/(\d{3})(?:\.p\/(\d+))?$/u.exec(path) ?? [];
        const hash = (at: number) => byPlace.get(`${8 * Number(level)}/${256 * Number(group) + at}`) as Uint8Array;
        return Uint8Array.from(Buffer.concat(Array.from({ length: Number(width) }, (_, at) => hash(at))));
      },
    };
    const options = { now, entries: false };
    expect(await auditLog(reader, trustOf(many), options)).toMatchObject({ level: "SIGNED", size: 66_000 });
    expect(paths).toEqual(expect.arrayContaining(["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"]));
    const wrong: LogReader = {
      read: async (path, most) => flip("tile/1/000", 77)(path, await reader.read(path, most)),
    };
    expect(await auditLog(wrong, trustOf(many), options)).toMatchObject({
      level: "INVALID",
      reason: "tile 0 of level 1 is not made of the tiles below it",
    });
  });

  it("is WITNESSED when the quorum's witnesses cosigned the head", async () => {
    const cosigner = makeSigner("w.example/1", 4);
    const trust = parseTrustPolicy(`log ${log.vkeys[0]}\nwitness w ${cosigner.vkey}\nquorum w\n`);
    const cosigned = (path: string, bytes: Uint8Array | undefined) =>
      path === "checkpoint"
        ? Uint8Array.from(
            Buffer.from(log.head() + cosignatureLine(log.text(), cosigner.key, 1_764_000_900, cosigner.sign)),
          )
        : bytes;
    expect(await auditLog(log.reader(cosigned), trust, { now, entries: true })).toMatchObject({
      level: "WITNESSED",
      witnesses: [{ name: "w", timestamp: 1_764_000_900 }],
    });
    expect(await auditLog(log.reader(), trust, { now, entries: true })).toMatchObject({
      level: "SIGNED",
      quorumMet: false,
    });
  });

  it("takes the full tile where the partial one is gone", async () => {
    const grown = new MadeLog(origin, log.signers).fill(800);
    const reader: LogReader = {
      read: async (path) =>
        path === "checkpoint" ? log.resource(path) : path.includes("002.p/") ? undefined : grown.resource(path),
    };
    expect(await audit(log, reader)).toMatchObject({ level: "SIGNED", size: 700 });
  });

  it("asks for a few tiles at once and no more", async () => {
    let [running, most] = [0, 0];
    const reader: LogReader = {
      read: async (path) => {
        most = Math.max(most, ++running);
        await setImmediate();
        running--;
        return log.resource(path);
      },
    };
    await audit(log, reader, { concurrency: 2 });
    expect(most).toBe(2);
  });
});

it("an audit tells of times that go back by more than a day, and of ids made at another time", async () => {
  const made = new MadeLog(origin)
    .fill(2)
    .add({ time: started - 100_000_000 })
    .add({ id: idOf(9, started - 200_000_000) });
  expect(await audit(made)).toMatchObject({
    level: "SIGNED",
    records: {
      findings: [
        { what: "its time is more than a day before that of an earlier entry", count: 1, first: 2 },
        { what: "its id was made more than a day before or after its time", count: 1, first: 3 },
      ],
    },
  });
});

describe("a head kept from an earlier audit", () => {
  it.each([0, 1, 255, 256, 300, 699, 700])("of %i entries is found to be a prefix", async (size) => {
    expect(await audit(log, log.reader(), { since: log.head(size) })).toMatchObject({ level: "SIGNED", since: size });
  });

  it("that is larger than the log tells of a rewind, with both notes", async () => {
    const rewound = new MadeLog(origin, log.signers);
    rewound.entries.push(...log.entries.slice(0, 400));
    const verdict = await audit(log, rewound.reader(), { since: log.head() });
    expect(verdict).toMatchObject({ level: "REWOUND", notes: [log.head(), rewound.head()] });
  });

  it.each([256, 300, 700, 900])(
    "tells of a fork from a log of %i entries, with a proof that anyone can check",
    async (size) => {
      const forked = new MadeLog(origin, log.signers)
        .fill(100)
        .add({ time: started })
        .fill(size - 101);
      const since = new MadeLog(origin, log.signers).fill(200).head();
      const verdict = await audit(log, forked.reader(), { since });
      expect(verdict).toMatchObject({ level: "FORKED", notes: [since, forked.head()] });
      const proof = "proof" in verdict && verdict.proof !== undefined ? formatForkProof(verdict.proof) : "";
      expect(await judgeForkProof(parseForkProof(proof), trustOf(log))).toMatchObject({ level: "FORKED" });
      expect(await judgeForkProof(parseForkProof(proof), trustOf(new MadeLog(origin)))).toMatchObject({
        level: "INVALID",
      });
    },
  );

  it("of the same size with another root tells of a fork", async () => {
    const forked = new MadeLog(origin, log.signers).add({ time: started + 1 }).fill(699);
    expect(await audit(log, log.reader(), { since: forked.head() })).toMatchObject({ level: "FORKED" });
  });

  it("of another log, or not signed by a key of the policy, is refused", async () => {
    const other = new MadeLog("other.example/1");
    const trust = parseTrustPolicy(`log ${log.vkeys[0]}\nlog ${other.vkeys[0]}\nquorum none\n`);
    const options = { now, entries: true };
    expect(await reasonOf(auditLog(log.reader(), trust, { ...options, since: other.head() }))).toContain(
      "INVALID: the head kept",
    );
    const forged = new MadeLog(origin).head();
    expect(await reasonOf(auditLog(log.reader(), trust, { ...options, since: forged }))).toMatch(/^INVALID: /u);
  });
});
