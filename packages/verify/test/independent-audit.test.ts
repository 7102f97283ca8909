import { formatTilePath, tilesOf } from "@agentkeys/log";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { auditLog, parseTrustPolicy } from "../src/index.ts";
import { now, origin, second } from "./audits.ts";
import { MadeLog, started } from "./made-log.ts";
import { needPython, prepare, runPython } from "./python.ts";

type Resources = Record<string, string>;
interface Case {
  readonly resources: Resources;
  readonly keys: readonly string[];
  readonly since: string | null;
  readonly previous: Resources | null;
}

let unable: string | undefined;
beforeAll(() => {
  unable = prepare();
}, 300_000);

/** All that a log serves, in base64. */
function resourcesOf(log: MadeLog): Resources {
  const tiles = [...tilesOf(log.entries.length)];
  const bundles = tiles.filter(({ level }) => level === 0).map((tile) => ({ ...tile, level: "entries" as const }));
  const paths = ["checkpoint", ...[...tiles, ...bundles].map(formatTilePath)];
  return Object.fromEntries(paths.map((path) => [path, Buffer.from(log.resource(path) ?? []).toString("base64")]));
}

function readerOf(resources: Resources) {
  return {
    read: async (path: string) => {
      const text = resources[path];
      return text === undefined ? undefined : Uint8Array.from(Buffer.from(text, "base64"));
    },
  };
}

/** The levels that both auditors give. */
async function compare(cases: readonly Case[]): Promise<{ ours: string[]; theirs: string[] }> {
  const ours: string[] = [];
  for (const { resources, keys, since, previous } of cases) {
    const trust = parseTrustPolicy(`${keys.map((vkey) => `log ${vkey}\n`).join("")}quorum none\n`);
    const verdict = await auditLog(readerOf(resources), trust, {
      now,
      entries: true,
      ...(since === null ? {} : { since }),
      epochReader: () => (previous === null ? undefined : readerOf(previous)),
    });
    ours.push(verdict.level);
  }
  const theirs = (runPython("audit_log.py", cases) as readonly { level: string }[]).map(({ level }) => level);
  return { ours, theirs };
}

const log = new MadeLog(origin).fill(300);
const whole: Case = { resources: resourcesOf(log), keys: log.vkeys, since: null, previous: null };

describe("an auditor in Python that shares no code with this one", () => {
  it("finds the same logs sound, of every size around a tile", async (context) => {
    needPython(context, unable);
    const cases = [0, 1, 2, 255, 256, 257, 513].map((size) => {
      const made = new MadeLog(origin).fill(size);
      return { resources: resourcesOf(made), keys: made.vkeys, since: null, previous: null };
    });
    const sound = cases.map(() => "SIGNED");
    expect(await compare(cases)).toEqual({ ours: sound, theirs: sound });
  });

  it("finds the same forks and rewinds, by a head kept from before and by the link of two epochs", async (context) => {
    needPython(context, unable);
    const longer = new MadeLog(origin, log.signers).fill(400);
    const forked = new MadeLog(origin, log.signers).add({ time: started + 1 }).fill(299);
    const linked = (size: number, root: Uint8Array): Case => {
      const made = new MadeLog(second).add({ type: 52, body: { origin, size, root } }).fill(3);
      return {
        resources: resourcesOf(made),
        keys: [...made.vkeys, ...log.vkeys],
        since: null,
        previous: whole.resources,
      };
    };
    const cases = [
      { ...whole, since: log.head(123) },
      { ...whole, since: longer.head() },
      { ...whole, since: forked.head(200) },
      linked(300, log.tree().root),
      linked(256, log.tree(256).root),
      linked(256, log.tree(255).root),
      linked(301, log.tree().root),
    ];
    const levels = ["SIGNED", "REWOUND", "FORKED", "SIGNED", "SIGNED", "FORKED", "REWOUND"];
    expect(await compare(cases)).toEqual({ ours: levels, theirs: levels });
  });

  it("judges logs with one byte changed, or one resource gone, as this one does", async (context) => {
    needPython(context, unable);
    const paths = Object.keys(whole.resources);
    const places = fc.sample(fc.tuple(fc.constantFrom(...paths), fc.nat(), fc.nat(7)), { numRuns: 60, seed: 11 });
    const changed = places.map(([path, at, bit]) => {
      const bytes = Buffer.from(whole.resources[path] ?? "", "base64");
      const place = at % bytes.length;
      bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
      return { ...whole, resources: { ...whole.resources, [path]: bytes.toString("base64") } };
    });
    const without = paths.map((path) => {
      const { [path]: _, ...resources } = whole.resources;
      return { ...whole, resources };
    });
    const { ours, theirs } = await compare([...changed, ...without]);
    expect(ours).toEqual(theirs);
    expect(new Set(ours)).toEqual(new Set(["INVALID"]));
  });
});
