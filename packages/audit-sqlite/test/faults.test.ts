import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import plugin from "../src/index.ts";
import { checkWhole } from "../src/upkeep/whole-check.ts";
import { runAppender, type Line } from "./run-appender.ts";
import { boot, codeOf, issued, makeCall, makeFolder, makeHost, openTestLog, openTestParts, verify } from "./support.ts";

const call = makeCall();

/** A closed log of `size` records. */
async function makeLog(size: number): Promise<{ folder: string; file: string }> {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  await log.append(
    Array.from({ length: size }, () => boot()),
    call,
  );
  await log.close();
  return { folder, file: join(folder, "log.db") };
}

/** Changes the database behind the log's back. */
function tamper(file: string, sql: string): void {
  const database = new Database(file);
  for (const table of ["entries", "hashes"]) {
    for (const verb of ["INSERT", "UPDATE", "DELETE"]) database.exec(`DROP TRIGGER ${table}_${verb}`);
  }
  database.exec(sql);
  database.close();
}

test(
  "after kill -9 during appends, ten times over, every acknowledged record is there with a receipt that verifies",
  { timeout: 240_000 },
  async () => {
    const folder = makeFolder();
    const acknowledged: Line[] = [];
    for (let round = 1; round <= 10; round++) {
      const lines = await runAppender(folder, "", (seen, kill) => {
        if (seen.length === 61 * round) kill();
      });
      expect(lines.length).toBeGreaterThanOrEqual(61 * round);
      acknowledged.push(...lines);
      const log = await openTestLog(folder);
      const { size } = await log.head(call);
      for (const { id, index, receipt } of lines) {
        expect(index).toBeLessThan(size);
        expect(await log.find(id!, call)).toMatchObject({ index });
        expect((await verify(log, receipt)).record.id).toBe(id);
      }
      await log.close();
    }
    const log = await openTestLog(folder);
    expect(new Set(acknowledged.map(({ index }) => index)).size).toBe(acknowledged.length);
    for (const { id, index } of acknowledged) {
      const verified = await verify(log, await log.receipt({ record: id!, open: [6] }, call));
      expect(verified).toMatchObject({ index, record: { id }, openings: [{ key: 6, value: "agt_1" }] });
    }
  },
);

test(
  "a storage error at commit acknowledges nothing more, and what was acknowledged before is there",
  { timeout: 120_000 },
  async () => {
    const folder = makeFolder();
    // The largest file the process may write is 1 MiB: a real error of a real write.
    const lines = await runAppender(folder, "ulimit -f 1024;", () => undefined);
    const acknowledged = lines.filter(({ receipt }) => receipt !== undefined);
    const failed = lines.filter((line) => "failed" in line);
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(failed).toHaveLength(16);
    expect(new Set(failed.map((line) => line["failed"]))).toContain("ERR_AUDIT_STORAGE");
    expect(lines).toContainEqual({ level: "error", event: "audit_log_failed" });
    expect(lines).toContainEqual({ afterwards: "ERR_AUDIT_UNAVAILABLE" });
    expect(lines.at(-1)).toMatchObject({
      ready: { status: "unready", reason: expect.stringContaining("storage failed") },
    });
    const log = await openTestLog(folder);
    for (const { id, index, receipt } of acknowledged) {
      expect(await log.find(id!, call)).toMatchObject({ index });
      await verify(log, receipt);
    }
  },
);

test("a second process on the same log is refused, and the first goes on", { timeout: 60_000 }, async () => {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  await log.append([boot()], call);
  expect(await runAppender(folder, "", () => undefined)).toEqual([{ refused: "ERR_AUDIT_IN_USE" }]);
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_IN_USE");
  await log.append([boot()], call);
  expect(await log.head(call)).toMatchObject({ size: 2 });
});

test.each([
  ["an entry", "UPDATE entries SET entry = CAST(entry || x'00' AS BLOB) WHERE position = 299"],
  [
    "the oldest entry of the tail",
    "UPDATE entries SET entry = (SELECT entry FROM entries WHERE position = 7) WHERE position = 44",
  ],
  ["a leaf", "UPDATE hashes SET hash = zeroblob(32) WHERE place = (SELECT max(place) FROM hashes)"],
  ["the root of the first 256 entries", "UPDATE hashes SET hash = zeroblob(32) WHERE place = 510"],
  ["an inner node of the tail", "UPDATE hashes SET hash = zeroblob(32) WHERE place = 509"],
  ["the last entry, taken away", "DELETE FROM entries WHERE position = 299"],
  ["an entry of the tail, taken away", "DELETE FROM entries WHERE position = 290"],
  ["a hash, taken away", "DELETE FROM hashes WHERE place = (SELECT max(place) FROM hashes)"],
  ["a hash of the tail, taken away", "DELETE FROM hashes WHERE place = 580"],
  [
    "the last entry and its hashes, but not those it completed",
    "DELETE FROM entries WHERE position = 299; DELETE FROM hashes WHERE place = (SELECT max(place) FROM hashes)",
  ],
])("the log is not opened when %s was changed behind its back", async (_, sql) => {
  const { folder, file } = await makeLog(300);
  await (await openTestLog(folder)).close();
  tamper(file, sql);
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_STORAGE");
});

test("a file that is no database, or one page of which is overwritten, is refused", async () => {
  const { folder, file } = await makeLog(20);
  const bytes = readFileSync(file);
  writeFileSync(file, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xff)]));
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_STORAGE");
  writeFileSync(file, "not a database, but quite long enough to look at ".repeat(200));
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_STORAGE");
});

test.each([
  ["entries", "position"],
  ["hashes", "place"],
])("rows of %s cannot be updated, deleted or replaced", async (table, key) => {
  const { file } = await makeLog(3);
  const database = new Database(file);
  onTestFinished(() => void database.close());
  expect(() => database.exec(`UPDATE ${table} SET ${key} = ${key} + 100`)).toThrow("append-only");
  expect(() => database.exec(`DELETE FROM ${table} WHERE ${key} = 1`)).toThrow("append-only");
  const row = `SELECT * FROM ${table} WHERE ${key} = 1`;
  expect(() => database.exec(`INSERT OR REPLACE INTO ${table} ${row}`)).toThrow("append-only");
});

test("an entry of another place cannot be replaced by its id", async () => {
  const { file } = await makeLog(3);
  const database = new Database(file);
  onTestFinished(() => void database.close());
  const row = "SELECT 3, id, entry FROM entries WHERE position = 1";
  expect(() => database.exec(`INSERT OR REPLACE INTO entries ${row}`)).toThrow("append-only");
});

test.each([
  [
    "an entry",
    "UPDATE entries SET entry = CAST(substr(entry, 1, 40) || x'00' || substr(entry, 42) AS BLOB) WHERE position = 5",
  ],
  ["an id", "UPDATE entries SET id = randomblob(16) WHERE position = 5"],
  ["a leaf", "UPDATE hashes SET hash = zeroblob(32) WHERE place = 8"],
  ["a node", "UPDATE hashes SET hash = zeroblob(32) WHERE place = 2"],
])("%s changed before the tail is found by the check of the whole log, which ends it", async (_, sql) => {
  const { folder, file } = await makeLog(600);
  tamper(file, sql);
  const log = await openTestLog(folder);
  await expect
    .poll(async () => log.ready(call), { timeout: 20_000 })
    .toMatchObject({ status: "unready", reason: expect.stringContaining("storage failed") });
  expect(await codeOf(log.append([boot()], call))).toBe("ERR_AUDIT_UNAVAILABLE");
});

test("the check of the whole log finds nothing where nothing was changed, in any epoch, and is over with the log", async () => {
  const { folder } = await makeLog(200);
  await plugin.startEpoch!({ file: "log.db" }, makeHost(folder));
  const log = await openTestLog(folder);
  await log.append(
    Array.from({ length: 100 }, () => issued()),
    call,
  );
  await log.close();
  const { store, identity } = openTestParts(folder);
  let steps = 0;
  for (const _ of checkWhole(store, identity.epochs)) steps++;
  store.database.close();
  expect(steps).toBe(3 + 1);
});

test("a clock that jumps moves no record: the order is that of the appends", async () => {
  const folder = makeFolder();
  let now = Date.now();
  const log = await openTestLog(folder, { ...makeHost(folder), now: () => now });
  const events = [];
  for (const jump of [0, 3_600_000, -86_400_000, 86_400_000 * 365]) {
    now += jump;
    const event = issued({ time: now });
    events.push(event.id);
    await log.append([event], { ...call, deadline: now + 1000 });
    await log.upkeep.rotateKey({ ...call, deadline: now + 1000 });
  }
  const views = await log.read({ account: issued().account!, limit: 10 }, call);
  expect(views.map(({ event }) => event.id)).toEqual(events.toReversed());
  expect(views.map(({ index }) => index)).toEqual([6, 4, 2, 0]);
  for (const id of events) await verify(log, await log.receipt({ record: id, open: [] }, call));
});

test("a storage error under a read ends the log too", async () => {
  const { folder, file } = await makeLog(600);
  const event = boot();
  const first = await openTestLog(folder);
  await first.append([event], call);
  await first.close();
  // Before the tail, where no opening looks.
  tamper(file, "DELETE FROM hashes WHERE place = 3");
  const log = await openTestLog(folder);
  expect(await codeOf(log.prove(3, 600, call))).toBe("ERR_AUDIT_STORAGE");
  expect(await codeOf(log.append([boot()], call))).toBe("ERR_AUDIT_UNAVAILABLE");
  expect(await codeOf(log.find(event.id, call))).toBe("ERR_AUDIT_UNAVAILABLE");
  expect(await log.ready(call)).toMatchObject({ status: "unready" });
});

test("a caller whose deadline passes while the thread is busy is told so, and the log goes on", async () => {
  const log = await openTestLog(makeFolder());
  const gone = new AbortController();
  const events = Array.from({ length: 3000 }, () => boot());
  const busy = log.append(events, call);
  // The events are on their way after this turn, and keep the thread for many.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const slow = codeOf(log.append([issued()], makeCall(gone.signal)));
  const asked = codeOf(log.head(makeCall(gone.signal)));
  const ready = log.ready(makeCall(gone.signal));
  setImmediate(() => gone.abort());
  expect(await slow).toBe("ERR_AUDIT_UNAVAILABLE");
  expect(await asked).toBe("ERR_AUDIT_UNAVAILABLE");
  expect(await ready).toMatchObject({ status: "unready" });
  expect(await busy).toHaveLength(3000);
  expect((await log.append([boot()], call))[0]!.index).toBeGreaterThanOrEqual(3000);
});

test("a call that comes too late is not begun", async () => {
  const log = await openTestLog(makeFolder());
  const late = [makeCall(AbortSignal.abort()), { ...makeCall(), deadline: Date.now() - 1 }];
  for (const one of late) {
    const event = boot();
    expect(await codeOf(log.append([event], one))).toBe("ERR_AUDIT_UNAVAILABLE");
    expect(await codeOf(log.find(event.id, one))).toBe("ERR_AUDIT_UNAVAILABLE");
    expect(await log.find(event.id, call)).toBeUndefined();
  }
});

test("more than ten thousand waiting calls are refused, not kept", async () => {
  const log = await openTestLog(makeFolder());
  const codes = await Promise.all(Array.from({ length: 10_050 }, () => codeOf(log.find("none", call))));
  expect(codes.filter((code) => code === "ERR_AUDIT_UNAVAILABLE")).toHaveLength(50);
  expect(await log.ready(call)).toEqual({ status: "ready" });
});

test("a closed log answers what was sent before, refuses what comes after, and closes twice", async () => {
  const folder = makeFolder();
  const host = makeHost(folder);
  const log = await openTestLog(folder, host);
  const sent = log.append([boot()], call);
  const closed = log.close();
  expect(await codeOf(log.append([boot()], call))).toBe("ERR_AUDIT_UNAVAILABLE");
  await Promise.all([closed, log.close()]);
  expect((await sent)[0]!.index).toBe(0);
  expect(await log.ready(call)).toMatchObject({ status: "unready" });
  expect(host.lines).toEqual([]);
  const again = await openTestLog(folder);
  expect(await again.head(call)).toMatchObject({ size: 1 });
});
