import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { AuditEvent, AuditLog, LogUpkeep } from "@agentkeys/core";
import { fromBase64, isConsistency } from "@agentkeys/log";
import { expect, test } from "vitest";
import { account, boot, codeOf, issued, makeCall, makeFolder, openTestLog, verify } from "./support.ts";

const call = makeCall();
const other = "0123456789abcdef".repeat(4);
const every = [5, 6, 9, 11, 12];

async function erase(log: AuditLog, who = account): Promise<LogUpkeep> {
  const upkeep = log.upkeep;
  await upkeep.erase(who, call);
  return upkeep;
}

/** All bytes of the log's files, the key file apart. */
function bytesOf(folder: string): Buffer {
  const names = readdirSync(folder).filter((name) => name.startsWith("log.db"));
  return Buffer.concat(names.map((name) => readFileSync(join(folder, name))));
}

test("nothing personal of an event stands in the files in plain text, with an account or without", async () => {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  const { account: _, ...ownerless } = issued({ type: 1000 });
  await log.append([issued(), { ...ownerless, agent: "agt_ownerless" }, boot()], call);
  const bytes = bytesOf(folder);
  expect(bytes.includes("sha512-AAAA")).toBe(true);
  const { agent, wallet, scope, grant, credential } = issued();
  for (const value of [account, agent!, wallet!, scope!, grant!, credential!, "agt_ownerless", "api.example.com"])
    expect(bytes.includes(value), value).toBe(false);
  expect(bytes.includes(Buffer.from(account, "hex"))).toBe(false);
  expect((await log.find(ownerless.id, call))?.event).toEqual({ ...ownerless, agent: "agt_ownerless" });
});

test("after an erasure no call opens the account's records, here or after a restart, and every proof still holds", async () => {
  const folder = makeFolder();
  let log = await openTestLog(folder);
  const [mine, more, theirs] = [issued(), issued(), issued({ account: other })];
  await log.append([boot(), mine, theirs, more], call);
  const before = await log.head(call);
  await erase(log);
  for (const turn of ["at once", "after a restart"]) {
    expect(await log.read({ account, limit: 10 }, call), turn).toEqual([]);
    for (const [index, event] of [
      [1, mine],
      [3, more],
    ] as const) {
      const found = await log.find(event.id, call);
      const { account: _, agent: __, wallet: ___, scope: ____, grant: _____, credential: ______, ...plain } = event;
      expect(found).toEqual({ index, event: plain });
      const verified = await verify(log, await log.receipt({ record: event.id, open: every }, call));
      expect(verified).toMatchObject({ index, openings: [] });
    }
    expect(await log.read({ account: other, limit: 10 }, call)).toEqual([{ index: 2, event: theirs }]);
    const { openings } = await verify(log, await log.receipt({ record: theirs.id, open: every }, call));
    expect(openings).toHaveLength(5);
    const after = await log.head(call);
    const proof = (await log.prove(before.size, after.size, call)).map(fromBase64);
    expect(isConsistency(before.size, after.size, fromBase64(before.root), fromBase64(after.root), proof)).toBe(true);
    await log.close();
    log = await openTestLog(folder);
  }
});

test("an event of an erased account that comes again has its place, opened to nobody; with other contents it is a conflict", async () => {
  const log = await openTestLog(makeFolder());
  const event = issued();
  await log.append([event], call);
  await erase(log);
  const [again] = await log.append([event], call);
  expect(again!.index).toBe(0);
  expect((await verify(log, again!.receipt)).openings).toEqual([]);
  const { agent: _, ...lacking } = { ...event, type: 1000 };
  const changes: readonly AuditEvent[] = [
    { ...event, time: 1 },
    { ...event, type: 1000 },
    { ...event, wallet: "0x0000000000000000000000000000000000000001" },
    { ...event, policy: "00".repeat(32) },
    { ...event, body: { a: 1 } },
    lacking,
  ];
  for (const changed of changes) expect(await codeOf(log.append([changed], call))).toBe("ERR_AUDIT_CONFLICT");
  expect(await log.head(call)).toMatchObject({ size: 1 });
});

test("what an erased account does later is under a key of its own, and opens nothing older", async () => {
  const folder = makeFolder();
  let log = await openTestLog(folder);
  await log.append([issued()], call);
  await erase(log);
  const later = issued();
  const [position] = await log.append([later], call);
  expect((await verify(log, position!.receipt)).openings).toHaveLength(3);
  await log.close();
  log = await openTestLog(folder);
  expect(await log.read({ account, limit: 10 }, call)).toEqual([{ index: 1, event: later }]);
  await erase(log);
  expect(await log.read({ account, limit: 10 }, call)).toEqual([]);
});

test("the record of the erasure begins no new key of the account", async () => {
  const log = await openTestLog(makeFolder());
  await log.append([issued()], call);
  await erase(log);
  const record = { id: boot().id, time: 1, type: 16, outcome: 1, account };
  await log.append([record], call);
  expect(await log.read({ account, limit: 10 }, call)).toEqual([]);
  const verified = await verify(log, await log.receipt({ record: record.id, open: every }, call));
  expect(verified.record.account).toHaveLength(32);
  expect(verified.openings).toEqual([]);
  expect(await log.append([record], call)).toMatchObject([{ index: 1 }]);
});

test("erasing is idempotent, and takes nothing for an account that it does not know or that is none", async () => {
  const log = await openTestLog(makeFolder());
  const { account: _, ...ownerless } = issued({ type: 1000 });
  const mine = issued();
  await log.append([mine, ownerless], call);
  for (const who of ["", other, "%", account.toUpperCase()]) await erase(log, who);
  expect((await log.find(mine.id, call))?.event).toEqual(mine);
  expect((await log.find(ownerless.id, call))?.event).toEqual(ownerless);
  await erase(log);
  await erase(log);
  expect((await log.find(ownerless.id, call))?.event).toEqual(ownerless);
});

test("no file of the log has a byte of the key that an erasure deleted", { timeout: 60_000 }, async () => {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  const accounts = Array.from({ length: 400 }, (_, at) => at.toString(16).padStart(64, "0"));
  for (const who of accounts) await log.append([issued({ account: who })], call);
  await log.close();
  const database = new Database(join(folder, "log.db"));
  const keys = database.prepare("SELECT number, wrapped FROM owners").all() as { number: number; wrapped: Buffer }[];
  database.close();
  expect(keys).toHaveLength(400);
  const again = await openTestLog(folder);
  // The key of one is still in the write-ahead log, those of the others in the database file.
  await again.append([issued({ account: other })], call);
  const erased = [...accounts.filter((_, at) => at % 3 === 0), other];
  for (const who of erased) await again.upkeep.erase(who, call);
  const bytes = bytesOf(folder);
  for (const { number, wrapped } of keys) expect(bytes.includes(wrapped), `${number}`).toBe((number - 1) % 3 !== 0);
  expect(readFileSync(join(folder, "log.db-wal"))).toHaveLength(0);
});

test("what opens an entry does not open another one, and one byte of it changed ends the log", async () => {
  const folder = makeFolder();
  const [one, two] = [issued(), issued()];
  const log = await openTestLog(folder);
  await log.append([one, two], call);
  await log.close();
  const change = async (sql: string): Promise<void> => {
    const database = new Database(join(folder, "log.db"));
    database.exec(sql);
    database.close();
    const opened = await openTestLog(folder);
    expect(await codeOf(opened.find(one.id, call))).toBe("ERR_AUDIT_STORAGE");
    expect(await opened.ready(call)).toMatchObject({ status: "unready" });
    await opened.close();
  };
  await change("UPDATE openings SET sealed = (SELECT sealed FROM openings WHERE position = 1) WHERE position = 0");
  await change("UPDATE openings SET sealed = CAST(substr(sealed, 1, 60) || x'00' || substr(sealed, 62) AS BLOB)");
  await change("UPDATE owners SET wrapped = CAST(substr(wrapped, 1, 59) || x'00' AS BLOB)");
});
