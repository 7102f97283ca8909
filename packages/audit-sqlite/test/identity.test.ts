import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { boot, codeOf, makeCall, makeFolder, makeHost, openTestLog, verify } from "./support.ts";

const call = makeCall();

/** A folder with a log of one record, closed. */
async function makeLog(): Promise<{ folder: string; keys: string; id: string; origin: string }> {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  const event = boot();
  await log.append([event], call);
  const { origin } = await log.head(call);
  await log.close();
  return { folder, keys: join(folder, "log-keys.json"), id: event.id, origin };
}

test("the first boot makes an origin and keys that later boots keep, whatever the public URL has become", async () => {
  const { folder, id, origin } = await makeLog();
  const log = await openTestLog(folder, { ...makeHost(folder), publicUrl: "https://other.example" });
  expect(await log.head(call)).toMatchObject({ origin, size: 1 });
  await verify(log, await log.receipt({ record: id, open: [] }, call));
});

test("two logs have two origins and two keys", async () => {
  const [one, other] = [await openTestLog(makeFolder()), await openTestLog(makeFolder())];
  const [head, otherHead] = [await one.head(call), await other.head(call)];
  expect(head.origin).not.toBe(otherHead.origin);
  expect(head.vkey.split("+").at(-1)).not.toBe(otherHead.vkey.split("+").at(-1));
});

test("keys, salts and the origin's name come from the host's randomness", async () => {
  const receipts = [];
  for (const seed of [1, 1, 2]) {
    const folder = makeFolder();
    const log = await openTestLog(folder, { ...makeHost(folder), random: (size) => new Uint8Array(size).fill(seed) });
    const event = { ...boot({ agent: "agt_1" }), id: "019ab697-e800-768b-93c4-6360074e0ce1", time: 1 };
    const [position] = await log.append([event], call);
    receipts.push(position!.receipt);
  }
  expect(receipts[0]).toBe(receipts[1]);
  expect(receipts[0]).not.toBe(receipts[2]);
});

test("database and key file are for their owner alone", async () => {
  const { folder, keys } = await makeLog();
  for (const path of [keys, join(folder, "log.db")]) expect(statSync(path).mode & 0o777).toBe(0o600);
});

test.each([0o644, 0o640, 0o604, 0o620])("a key file of mode %o is refused", async (mode) => {
  const { folder, keys } = await makeLog();
  chmodSync(keys, mode);
  expect(await codeOf(openTestLog(folder))).toBe("ERR_CONFIG_KEY_FILE");
});

test("a key file that is a link, or holds something else, is refused", async () => {
  const { folder, keys } = await makeLog();
  const text = readFileSync(keys, "utf8");
  for (const wrong of ["", "{}", text.replace("}", ',"more":1}'), text.toUpperCase(), `${text}x`]) {
    writeFileSync(keys, wrong);
    expect(await codeOf(openTestLog(folder))).toBe("ERR_CONFIG_KEY_FILE");
  }
  writeFileSync(`${keys}.elsewhere`, text, { mode: 0o600 });
  rmSync(keys);
  symlinkSync(`${keys}.elsewhere`, keys);
  expect(await codeOf(openTestLog(folder))).toBe("ERR_CONFIG_KEY_FILE");
});

test("a log without its keys is refused, and no new ones are made", async () => {
  const { folder, keys } = await makeLog();
  rmSync(keys);
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_LOG_KEY");
  expect(existsSync(keys)).toBe(false);
});

test("keys without their log are refused, and no new log is made beside them", async () => {
  const { folder, keys } = await makeLog();
  rmSync(join(folder, "log.db"));
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_LOG_KEY");
  expect(existsSync(`${keys}.new`)).toBe(false);
  const database = new Database(join(folder, "log.db"));
  expect(database.prepare("SELECT * FROM log").all()).toEqual([]);
  database.close();
});

test("the keys of another log are refused, each of the three", async () => {
  const [{ folder, keys }, other] = [await makeLog(), await makeLog()];
  const [own, foreign] = [keys, other.keys].map((path) => JSON.parse(readFileSync(path, "utf8")));
  for (const mixed of [
    foreign,
    { ...own, signing_keys: foreign.signing_keys },
    { ...own, signing_keys: [{ ...own.signing_keys[0], ed25519_seed: foreign.signing_keys[0].ed25519_seed }] },
    { ...own, signing_keys: [] },
    { ...own, signing_keys: [...own.signing_keys, ...own.signing_keys] },
    { ...own, openings_key: foreign.openings_key },
    { ...own, wallet_index_key: foreign.wallet_index_key },
  ]) {
    writeFileSync(keys, JSON.stringify(mixed));
    expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_LOG_KEY");
  }
  writeFileSync(keys, JSON.stringify(own));
  await openTestLog(folder);
});

test("a first boot cut short after the keys were written, or while they were, begins anew", async () => {
  for (const left of [undefined, "", "{"]) {
    const { folder, keys, origin } = await makeLog();
    rmSync(join(folder, "log.db"));
    renameSync(keys, `${keys}.new`);
    if (left !== undefined) writeFileSync(`${keys}.new`, left);
    const log = await openTestLog(folder);
    await log.append([boot()], call);
    expect((await log.head(call)).origin).not.toBe(origin);
    expect(existsSync(`${keys}.new`)).toBe(false);
  }
});

test("a first boot cut short after the log was made goes on with that log", async () => {
  const { folder, keys, id, origin } = await makeLog();
  renameSync(keys, `${keys}.new`);
  const log = await openTestLog(folder);
  expect(await log.head(call)).toMatchObject({ origin, size: 1 });
  await verify(log, await log.receipt({ record: id, open: [] }, call));
  expect(existsSync(keys)).toBe(true);
});

test("keys of another log do not pass for those of a first boot cut short", async () => {
  const [{ folder, keys }, other] = [await makeLog(), await makeLog()];
  rmSync(keys);
  copyFileSync(other.keys, `${keys}.new`);
  expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_LOG_KEY");
});

test.each([
  ["log", "secrets_hash = zeroblob(32)"],
  ["epochs", "origin = 'other'"],
  ["keys", "vkey = 'other'"],
])("the rows of %s cannot be changed, deleted or replaced", async (table, change) => {
  const { folder } = await makeLog();
  const database = new Database(join(folder, "log.db"));
  expect(() => database.exec(`UPDATE ${table} SET ${change}`)).toThrow("append-only");
  expect(() => database.exec(`DELETE FROM ${table}`)).toThrow("append-only");
  expect(() => database.exec(`INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`)).toThrow("append-only");
  database.close();
});

test.each([
  [7, "ERR_STORAGE_NEWER"],
  [0, "ERR_AUDIT_STORAGE"],
])("a database with tables of version %d is refused with %s", async (version, code) => {
  const { folder } = await makeLog();
  const database = new Database(join(folder, "log.db"));
  database.pragma(`user_version = ${version}`);
  database.close();
  expect(await codeOf(openTestLog(folder))).toBe(code);
});
