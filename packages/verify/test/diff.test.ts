import { isAgentKeysError } from "@agentkeys/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  diffHeads,
  formatForkProof,
  judgeForkProof,
  parseForkProof,
  parseTrustPolicy,
  type DiffVerdict,
  type ForkProof,
} from "../src/index.ts";
import { MadeLog, started } from "./made-log.ts";

const origin = "keys.example.com/audit/h13c82dj/1";
const log = new MadeLog(origin).fill(600);
const trust = parseTrustPolicy(log.policy());
/** What another reader is shown: the same first 200 records, and then others. */
const other = new MadeLog(origin, log.signers).fill(200).add({ time: started }).fill(399);

function proofOf(verdict: DiffVerdict): ForkProof {
  if (!("proof" in verdict) || verdict.proof === undefined) throw new Error("no proof");
  return verdict.proof;
}

describe("two signed heads", () => {
  it("of one size and root are consistent", async () => {
    expect(await diffHeads(log.head(), log.head(), trust)).toMatchObject({ level: "CONSISTENT", sizes: [600, 600] });
  });

  it("of one size with two roots fork, and the proof is in the two notes", async () => {
    const verdict = await diffHeads(log.head(), other.head(), trust);
    expect(verdict).toMatchObject({ level: "FORKED", notes: [log.head(), other.head()] });
    const text = formatForkProof(proofOf(verdict));
    expect(Object.keys(JSON.parse(text))).toEqual(["type", "notes"]);
    expect(await judgeForkProof(parseForkProof(text), trust)).toMatchObject({ level: "FORKED" });
  });

  it("of two sizes are undecided without tiles, whichever comes first", async () => {
    const verdict = { level: "UNDECIDED", origin, sizes: [100, 600] };
    expect(await diffHeads(log.head(100), log.head(), trust)).toMatchObject(verdict);
    expect(await diffHeads(log.head(), other.head(100), trust)).toMatchObject(verdict);
  });

  it.each([
    [0, 600],
    [1, 2],
    [200, 600],
    [256, 512],
    [599, 600],
    [600, 600],
  ])("of %i and %i records are proven consistent by the log's tiles", async (smaller, larger) => {
    const verdict = await diffHeads(log.head(larger), log.head(smaller), trust, log.reader());
    expect(verdict).toMatchObject({ level: "CONSISTENT", sizes: [smaller, larger] });
  });

  it.each([
    [201, 600],
    [256, 300],
    [400, 512],
    [599, 600],
  ])("of %i and %i records that fork are told by the tiles of either, with a proof", async (smaller, larger) => {
    for (const shown of [log, other]) {
      const verdict = await diffHeads(log.head(smaller), other.head(larger), trust, shown.reader());
      expect(verdict.level).toBe("FORKED");
      const proof = parseForkProof(formatForkProof(proofOf(verdict)));
      expect(await judgeForkProof(proof, trust)).toMatchObject({ level: "FORKED" });
    }
  });

  it("tell of a rewind when the log is shorter than the larger of them", async () => {
    const rewound = new MadeLog(origin, log.signers).fill(300);
    const verdict = await diffHeads(log.head(200), log.head(400), trust, rewound.reader());
    expect(verdict).toMatchObject({ level: "REWOUND", notes: [log.head(400), rewound.head()] });
  });

  it("of two logs, or not signed, or changed in one byte, are invalid", async () => {
    const stranger = new MadeLog("other.example/1").fill(3);
    const both = parseTrustPolicy(log.policy().replace("quorum", `log ${stranger.vkeys[0]}\nquorum`));
    expect(await diffHeads(log.head(), stranger.head(), both)).toMatchObject({ level: "INVALID" });
    expect(await diffHeads(log.head(), log.head(), both, stranger.reader())).toMatchObject({ level: "INVALID" });
    expect(await diffHeads(log.head(), new MadeLog(origin).fill(600).head(), trust)).toMatchObject({
      level: "INVALID",
    });
    const bytes = Buffer.from(log.head());
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at] = (bytes[at] ?? 0) ^ 1;
      expect(await diffHeads(log.head(), changed.toString(), trust)).toMatchObject({ level: "INVALID" });
    }
  });

  it("are not called forked by tiles that are not those of the signed log", async () => {
    const garbage = log.reader((path, bytes) => (path.startsWith("tile/0/") ? bytes?.map((byte) => byte ^ 1) : bytes));
    expect(await diffHeads(log.head(100), log.head(), trust, garbage)).toMatchObject({
      level: "INVALID",
      reason: "its tiles do not make the root it signed",
    });
  });
});

describe("a fork proof", () => {
  it("holds only with both heads, its root and its whole path", async () => {
    const proof = proofOf(await diffHeads(log.head(300), other.head(), trust, other.reader()));
    const judge = async (change: Partial<ForkProof>) => (await judgeForkProof({ ...proof, ...change }, trust)).level;
    const { root, path } = proof.prefix ?? { root: new Uint8Array(32), path: [] };
    expect(await judge({})).toBe("FORKED");
    expect(await judge({ notes: [proof.notes[1], proof.notes[0]] })).toBe("INVALID");
    expect(await judge({ notes: [other.head(300), proof.notes[1]] })).toBe("INVALID");
    expect(await judge({ prefix: { root, path: path.slice(1) } })).toBe("INVALID");
    expect(await judge({ prefix: { root: log.tree(300).root, path } })).toBe("INVALID");
    const { prefix: _, ...bare } = proof;
    expect((await judgeForkProof(bare, trust)).level).toBe("INVALID");
  });

  it("is not made of two heads that agree", async () => {
    const notes = [log.head(), log.head()] as const;
    expect(await judgeForkProof({ notes }, trust)).toMatchObject({ level: "INVALID" });
  });

  it("of any JSON is read in its one form or refused", () => {
    const near = fc.record(
      {
        type: fc.constantFrom("https://agentkeys.dev/fork-proof/v1", "x"),
        notes: fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 3 }),
        prefix: fc.oneof(fc.jsonValue(), fc.record({ root: fc.string(), path: fc.array(fc.string()) })),
        more: fc.integer(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(near, fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        const read = attempt(text);
        expect(read === undefined || JSON.stringify(JSON.parse(read)) === text).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(attempt("{")).toBeUndefined();
  });
});

function attempt(text: string): string | undefined {
  try {
    return formatForkProof(parseForkProof(text));
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_PROOF")) return undefined;
    throw error;
  }
}
