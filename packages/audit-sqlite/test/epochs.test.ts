import { copyFileSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { AuditLog, EpochStart } from "@agentkeys/core";
import { decodeEntryBundle, decodeRecord, fromBase64, parseReceipt, parseVkey, verifyReceipt } from "@agentkeys/log";
import { expect, test } from "vitest";
import plugin from "../src/index.ts";
import { account, boot, codeOf, issued, makeCall, makeFolder, makeHost, openTestLog } from "./support.ts";

const call = makeCall();
const keys = "log-keys.json";

async function startEpoch(folder: string): Promise<EpochStart> {
  return plugin.startEpoch!({ file: "log.db" }, makeHost(folder));
}

async function verifyUnder(vkey: string | undefined, text: string | undefined): ReturnType<typeof verifyReceipt> {
  return verifyReceipt(parseReceipt(text ?? ""), { log: parseVkey(vkey ?? "") });
}

/** A closed log of two epochs: three records in the first, in the second its entry 0 and one more. */
async function makeEpochs() {
  const folder = makeFolder();
  const old = await openTestLog(folder);
  const [one, two, three] = [issued(), boot(), issued()];
  await old.append([one, two, three], call);
  const head = await old.head(call);
  await old.close();
  const started = await startEpoch(folder);
  const log = await openTestLog(folder);
  const four = issued();
  const positions = await log.append([four], call);
  return { folder, log, head, started, events: { one, two, three, four }, positions };
}

test("a new epoch has the next origin, a key of its own, and as entry 0 what the old log was", async () => {
  const { log, head, started, positions } = await makeEpochs();
  const { origin, size, root } = head;
  expect(started).toEqual({ origin: expect.any(String), previous: { origin, size, root } });
  expect(started.origin).toMatch(/^keys\.example\/audit\/[0-9a-hjkmnp-tv-z]{8}\/2$/u);
  expect(positions[0]!.index).toBe(1);
  const now = await log.head(call);
  expect(now).toMatchObject({ origin: started.origin, size: 2 });
  expect(now.vkey).not.toBe(head.vkey);
  await verifyUnder(now.vkey, positions[0]!.receipt);
  const bundle = await log.upkeep.tile(now.logId, "tile/entries/000.p/2", call);
  const { type, outcome, body } = decodeRecord(decodeEntryBundle(bundle!)[0]!);
  expect({ type, outcome, body }).toEqual({
    type: 52,
    outcome: 1,
    body: { origin, size, root: fromBase64(root) },
  });
  expect(await log.upkeep.epochs(call)).toEqual([
    { origin, logId: head.logId, vkeys: [head.vkey], size: 3 },
    { origin: started.origin, logId: now.logId, vkeys: [now.vkey], size: 2 },
  ]);
});

test("receipts of the old epoch are under its own heads and key, and none is under the new one's", async () => {
  const { log, head, events } = await makeEpochs();
  for (const [index, event] of [events.one, events.two, events.three].entries()) {
    const ask = { record: event.id, open: [5, 6, 9, 11, 12] };
    const verified = await verifyUnder(head.vkey, await log.receipt(ask, call));
    expect(verified.checkpoint).toMatchObject({ origin: head.origin, size: 3 });
    expect(verified).toMatchObject({ index, openings: event === events.two ? [] : { length: 5 } });
    const smallest = await log.receipt({ ...ask, size: index + 1 }, call);
    expect((await verifyUnder(head.vkey, smallest)).index).toBe(index);
    expect(await codeOf(log.receipt({ ...ask, size: 4 }, call))).toBe("ERR_AUDIT_PROOF");
  }
});

test("an account reads over all epochs, newest first and page by page, earlier epochs below 0", async () => {
  const { log, events } = await makeEpochs();
  const { one, two, three, four } = events;
  const expected = [
    { index: 1, event: four },
    { index: -1, event: three },
    { index: -3, event: one },
  ];
  expect(await log.read({ account, limit: 10 }, call)).toEqual(expected);
  const read = [];
  for (let before: number | undefined; ;) {
    const page = await log.read({ account, limit: 1, ...(before === undefined ? {} : { before }) }, call);
    if (page.length === 0) break;
    read.push(...page);
    before = page[0]!.index;
  }
  expect(read).toEqual(expected);
  expect(await log.find(two.id, call)).toEqual({ index: -2, event: two });
});

test("a record of the old epoch that comes again keeps its place there, and its id is not free", async () => {
  const { log, head, events } = await makeEpochs();
  const [again] = await log.append([events.three], call);
  expect(again!.index).toBe(-1);
  expect((await verifyUnder(head.vkey, again!.receipt)).openings).toHaveLength(3);
  expect(await codeOf(log.append([{ ...events.three, agent: "agt_other" }], call))).toBe("ERR_AUDIT_CONFLICT");
  expect(await log.head(call)).toMatchObject({ size: 2 });
});

test("tiles and checkpoint of the old epoch are what they were", async () => {
  const folder = makeFolder();
  const old = await openTestLog(folder);
  await old.append(
    Array.from({ length: 300 }, () => boot()),
    call,
  );
  const head = await old.head(call);
  const paths = ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"];
  const tilesOf = async (log: AuditLog): Promise<unknown[]> =>
    Promise.all(paths.map((path) => log.upkeep.tile(head.logId, path, call)));
  const before = await tilesOf(old);
  expect(before).not.toContain(undefined);
  await old.close();
  await startEpoch(folder);
  const log = await openTestLog(folder);
  await log.append(
    Array.from({ length: 300 }, () => boot()),
    call,
  );
  expect(await tilesOf(log)).toEqual(before);
  expect(await log.upkeep.tile(head.logId, "tile/0/001.p/45", call)).toBeUndefined();
  const now = await log.head(call);
  const leaves = await log.upkeep.tile(now.logId, "tile/0/001.p/45", call);
  expect(leaves).toHaveLength(45 * 32);
});

test("an erasure reaches into every earlier epoch", async () => {
  const { log, events, head } = await makeEpochs();
  await log.upkeep.erase(account, call);
  expect(await log.read({ account, limit: 10 }, call)).toEqual([]);
  for (const event of [events.one, events.three, events.four])
    expect((await log.find(event.id, call))!.event).not.toHaveProperty("account");
  const receipt = await log.receipt({ record: events.one.id, open: [5, 6, 9] }, call);
  expect((await verifyUnder(head.vkey, receipt)).openings).toEqual([]);
});

test("keys change in the new epoch alone, and epochs go on from one to the next", async () => {
  const { folder, log, head, started, events } = await makeEpochs();
  const vkey = await log.upkeep.rotateKey(call);
  await log.close();
  const third = await startEpoch(folder);
  expect(third.previous).toMatchObject({ origin: started.origin, size: 3 });
  expect(third.origin).toMatch(/\/3$/u);
  const again = await openTestLog(folder);
  const epochs = await again.upkeep.epochs(call);
  expect(epochs.map(({ size, vkeys }) => [size, vkeys.length])).toEqual([
    [3, 1],
    [3, 2],
    [1, 1],
  ]);
  expect(epochs[1]!.vkeys[1]).toBe(vkey);
  await verifyUnder(vkey, await again.receipt({ record: events.four.id, open: [] }, call));
  await verifyUnder(head.vkey, await again.receipt({ record: events.one.id, open: [] }, call));
  expect(await again.find(events.one.id, call)).toMatchObject({ index: -6 });
});

test("two copies of one log go on under two origins", async () => {
  const [folder, copy] = [makeFolder(), makeFolder()];
  const log = await openTestLog(folder);
  await log.append([boot()], call);
  await log.close();
  cpSync(folder, copy, { recursive: true });
  const [one, other] = [await startEpoch(folder), await startEpoch(copy)];
  expect(one.previous).toEqual(other.previous);
  expect(one.origin).not.toBe(other.origin);
});

test("an epoch is not begun while the log is open, or where there is none", async () => {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  await log.append([boot()], call);
  expect(await codeOf(startEpoch(folder))).toBe("ERR_AUDIT_IN_USE");
  await log.append([boot()], call);
  expect(await codeOf(startEpoch(makeFolder()))).toBe("ERR_AUDIT_UNAVAILABLE");
});

test.each([
  ["before the transaction", "before", 1],
  ["after the transaction, before the key file had its name", "after", 2],
] as const)("an epoch cut short %s is the old one whole or the new one whole", async (_, database, epochs) => {
  const [before, after, folder] = [makeFolder(), makeFolder(), makeFolder()];
  const old = await openTestLog(before);
  await old.append([issued()], call);
  await old.close();
  cpSync(before, after, { recursive: true });
  await startEpoch(after);
  copyFileSync(join(database === "before" ? before : after, "log.db"), join(folder, "log.db"));
  copyFileSync(join(before, keys), join(folder, keys));
  copyFileSync(join(after, keys), join(folder, `${keys}.new`));
  const log = await openTestLog(folder);
  expect(await log.upkeep.epochs(call)).toHaveLength(epochs);
  expect(readFileSync(join(folder, keys))).toEqual(readFileSync(join(database === "before" ? before : after, keys)));
  await log.append([issued()], call);
  expect(await log.head(call)).toMatchObject({ size: 2 });
});

test("an entry or a hash of an earlier epoch that was taken away is noticed at open", async () => {
  const { folder, log } = await makeEpochs();
  await log.close();
  const database = new Database(join(folder, "log.db"));
  database.exec("DROP TRIGGER epochs_UPDATE; UPDATE epochs SET first_place = first_place + 1 WHERE number = 2");
  database.close();
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_STORAGE");
});

test("heads of the new epoch are proven from one to the other, and sizes are its own", async () => {
  const { log } = await makeEpochs();
  await log.append([boot(), boot(), boot()], call);
  expect(await log.prove(2, 5, call)).not.toEqual([]);
  expect(await codeOf(log.prove(2, 6, call))).toBe("ERR_AUDIT_PROOF");
});
