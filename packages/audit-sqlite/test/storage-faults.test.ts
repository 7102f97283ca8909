import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseReceipt, parseVkey, verifyReceipt } from "@agentkeys/log";
import { describe, expect, test } from "vitest";
import { cutPower, linesOf, parseTrace, type TraceStep } from "./power-cut.ts";
import { hasFaultyDisk, makeFaultyDisk, runAppender, type Line } from "./run-appender.ts";
import { makeCall, makeFolder, openTestLog, openTestParts, verify } from "./support.ts";

const call = makeCall();
const cuts = 200;

/** Numbers from 0 to 1 that follow from a seed (mulberry32), so that a cut that loses something can be made again. */
function makeChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many of the acknowledged records and keys the log left by a power cut after these steps lacks; all, when it does not open. */
async function countLost(steps: readonly TraceStep[], seed: number, isSynced = true): Promise<number> {
  const folder = makeFolder();
  const said: readonly Line[] = linesOf(steps);
  cutPower(steps, folder, makeChance(seed), isSynced);
  let lost = 0;
  try {
    const { store, log, upkeep } = openTestParts(folder);
    const vkeys = upkeep.epochs().flatMap((epoch) => epoch.vkeys);
    for (const { id, index, vkey } of said) {
      if (vkey !== undefined && !vkeys.includes(vkey)) lost++;
      if (id === undefined) continue;
      if (log.find(id)?.index !== index) lost++;
    }
    for (const { id } of said.slice(-3)) {
      const receipt = id === undefined ? undefined : log.receipt({ record: id, open: [6] });
      if (receipt !== undefined) await verifyReceipt(parseReceipt(receipt), { log: parseVkey(vkeys.at(-1) ?? "") });
    }
    store.database.close();
  } catch {
    lost = said.length;
  }
  rmSync(folder, { recursive: true });
  return lost;
}

describe.skipIf(!hasFaultyDisk)("a disk with faults (needs Linux and a C compiler)", () => {
  test(
    `after ${cuts} power cuts, every record and key that was acknowledged is there, and would not be without the syncs`,
    { timeout: 300_000 },
    async () => {
      const [folder, tools] = [makeFolder(), makeFolder()];
      const trace = join(tools, "trace");
      const env = { ...makeFaultyDisk(tools, folder), FAULT_TRACE: trace };
      const enough = (seen: Line[], kill: () => void): void => {
        if (seen.length === 150) kill();
      };
      await runAppender(folder, "", enough, { env, callers: 4, rotations: 6 });
      const steps = parseTrace(readFileSync(trace));
      expect(linesOf(steps).length).toBeGreaterThan(140);
      expect(linesOf(steps).filter(({ vkey }) => vkey !== undefined)).toHaveLength(6);
      const chance = makeChance(1);
      let lostUnsynced = 0;
      for (let cut = 0; cut < cuts; cut++) {
        const until = steps.slice(0, Math.floor(chance() * steps.length) + 1);
        expect(await countLost(until, cut), `cut ${cut} after ${until.length} steps`).toBe(0);
        if (cut % 20 === 0) lostUnsynced += await countLost(until, cut, false);
      }
      expect(lostUnsynced).toBeGreaterThan(0);
    },
  );

  test.each([
    ["a sync that fails", { FAULT_SYNC_ERROR: "25" }],
    ["a disk that is full", { FAULT_SPACE: "600000" }],
  ])(
    "%s acknowledges nothing more, and what was acknowledged before is there",
    { timeout: 60_000 },
    async (_, fault) => {
      const [folder, tools] = [makeFolder(), makeFolder()];
      const lines = await runAppender(folder, "", () => undefined, {
        env: { ...makeFaultyDisk(tools, folder), ...fault },
        callers: 4,
      });
      const acknowledged = lines.filter(({ receipt }) => receipt !== undefined);
      expect(acknowledged.length).toBeGreaterThan(10);
      const codes = lines.flatMap((line) => ("failed" in line ? [line["failed"]] : []));
      expect(codes).toHaveLength(4);
      expect(codes).toContain("ERR_AUDIT_STORAGE");
      expect(lines).toContainEqual({ level: "error", event: "audit_log_failed" });
      expect(lines).toContainEqual({ afterwards: "ERR_AUDIT_UNAVAILABLE" });
      const log = await openTestLog(folder);
      for (const { id, index, receipt } of acknowledged) {
        expect(await log.find(id!, call)).toMatchObject({ index });
        await verify(log, receipt);
      }
    },
  );

  test(
    "a sync that never ends keeps nobody waiting past the deadline, and acknowledges nothing",
    { timeout: 60_000 },
    async () => {
      const [folder, tools] = [makeFolder(), makeFolder()];
      const env = { ...makeFaultyDisk(tools, folder), FAULT_SYNC_HANG: "25", AGENTKEYS_TEST_DEADLINE: "1500" };
      const lines = await runAppender(folder, "", (seen, kill) => seen.some((line) => "ready" in line) && kill(), {
        env,
        callers: 4,
      });
      expect(lines.filter(({ receipt }) => receipt !== undefined).length).toBeGreaterThan(10);
      expect(lines.flatMap((line) => ("failed" in line ? [line["failed"]] : []))).toEqual(
        Array.from({ length: 4 }, () => "ERR_AUDIT_UNAVAILABLE"),
      );
      expect(lines.at(-1)).toMatchObject({ ready: { status: "unready" } });
    },
  );
});
