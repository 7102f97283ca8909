import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeRecord, parseNote, parseReceipt, parseVkey, verifyLine, verifyReceipt } from "@agentkeys/log";
import type { AuditLog } from "@agentkeys/core";
import { expect, test } from "vitest";
import { boot, codeOf, issued, makeCall, makeFolder, openTestLog } from "./support.ts";

const call = makeCall();

/** The keys of these that have signed the newest head, by their place. */
async function signersOf(log: AuditLog, vkeys: readonly string[]): Promise<number[]> {
  const { text, signatures } = parseNote((await log.head(call)).note);
  const found = [];
  for (const { line } of signatures) {
    for (const [at, vkey] of vkeys.entries())
      if ((await verifyLine(text, line, parseVkey(vkey))) !== undefined) found.push(at);
  }
  expect(found).toHaveLength(signatures.length);
  return found;
}

test("a new key signs with the one before it, is recorded in the log, and is the one that the head names", async () => {
  const folder = makeFolder();
  let log = await openTestLog(folder);
  await log.append([boot()], call);
  const vkeys = [(await log.head(call)).vkey];
  expect(await signersOf(log, vkeys)).toEqual([0]);
  for (const expected of [
    [1, 0],
    [2, 1],
    [3, 2],
  ]) {
    const { size, origin } = await log.head(call);
    const vkey = await log.upkeep.rotateKey(call);
    vkeys.push(vkey);
    expect(parseVkey(vkey).name).toBe(origin);
    expect(await log.head(call)).toMatchObject({ vkey, origin, size: size + 1 });
    expect(await signersOf(log, vkeys)).toEqual(expected);
    expect(await log.upkeep.epochs(call)).toMatchObject([{ origin, vkeys, size: size + 1 }]);
    await log.append([issued()], call);
    await log.close();
    log = await openTestLog(folder);
    expect(await signersOf(log, vkeys)).toEqual(expected);
  }
  expect(new Set(vkeys).size).toBe(4);
});

test("the record of a new key is of type 41 with its vkey alone", async () => {
  const log = await openTestLog(makeFolder());
  const vkey = await log.upkeep.rotateKey(call);
  const { logId } = await log.head(call);
  const bundle = await log.upkeep.tile(logId, "tile/entries/000.p/1", call);
  expect(decodeRecord(bundle!.slice(2))).toEqual({
    id: expect.any(String),
    time: expect.any(Number),
    type: 41,
    outcome: 1,
    body: { vkey },
  });
});

test("a receipt of before and after a new key verifies for who pinned either key, and no longer after the next", async () => {
  const log = await openTestLog(makeFolder());
  const [before, after] = [issued(), issued()];
  await log.append([before], call);
  const old = (await log.head(call)).vkey;
  const next = await log.upkeep.rotateKey(call);
  const [position] = await log.append([after], call);
  const texts = [position!.receipt, await log.receipt({ record: before.id, open: [6] }, call)];
  const verify = async (text: string | undefined, vkey: string): Promise<unknown> =>
    verifyReceipt(parseReceipt(text ?? ""), { log: parseVkey(vkey) });
  for (const text of texts) for (const vkey of [old, next]) await verify(text, vkey);
  const last = await log.upkeep.rotateKey(call);
  const newest = await log.receipt({ record: before.id, open: [6], size: 1 }, call);
  await verify(newest, next);
  await verify(newest, last);
  expect(await codeOf(verify(newest, old))).toBe("ERR_AUDIT_RECEIPT");
  // Under two signatures of the log, a cosignature is still one line more.
  const { signatures } = parseNote((await log.head(call)).note);
  const ask = { record: before.id, open: [], cosignatures: [`${signatures[0]!.line}${signatures[1]!.line}`] };
  expect(await codeOf(log.receipt(ask, call))).toBe("ERR_AUDIT_PROOF");
});

test("appends under way while the key changes are all there, each with a receipt that verifies", async () => {
  const log = await openTestLog(makeFolder());
  const { vkey } = await log.head(call);
  const append = async (): Promise<string> => (await log.append([issued()], call))[0]!.receipt;
  const before = Array.from({ length: 50 }, append);
  const rotated = log.upkeep.rotateKey(call);
  const after = Array.from({ length: 50 }, append);
  for (const receipt of await Promise.all([...before, ...after]))
    await verifyReceipt(parseReceipt(receipt), { log: parseVkey(vkey) });
  await rotated;
  expect(await log.head(call)).toMatchObject({ size: 101 });
});

test("keys that no longer sign are not kept", async () => {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  const seeds = (): string[] =>
    JSON.parse(readFileSync(join(folder, "log-keys.json"), "utf8")).signing_keys.map(
      ({ ed25519_seed: seed }: { ed25519_seed: string }) => seed,
    );
  const [first] = seeds();
  await log.upkeep.rotateKey(call);
  expect(seeds()).toHaveLength(2);
  expect(seeds()).toContain(first);
  await log.upkeep.rotateKey(call);
  expect(seeds()).toHaveLength(2);
  expect(seeds()).not.toContain(first);
});

/** The folder before and after a change of keys, and what a crash in between leaves. */
async function makeStates(): Promise<Readonly<Record<"before" | "after", string>>> {
  const [before, after] = [makeFolder(), makeFolder()];
  const log = await openTestLog(before);
  await log.append([boot(), issued()], call);
  await log.close();
  cpSync(before, after, { recursive: true });
  const changed = await openTestLog(after);
  await changed.upkeep.rotateKey(call);
  await changed.close();
  return { before, after };
}

const keys = "log-keys.json";

test.each([
  ["while its file was written", "before", "before", "cut", 2],
  ["after its file was durable, before the transaction", "before", "before", "after", 2],
  ["after the transaction, before the file had its name", "after", "before", "after", 3],
] as const)("a new key cut short %s is recovered at the next open", async (_, database, keyFile, next, size) => {
  const states = await makeStates();
  const folder = makeFolder();
  copyFileSync(join(states[database], "log.db"), join(folder, "log.db"));
  copyFileSync(join(states[keyFile], keys), join(folder, keys));
  if (next === "cut") writeFileSync(join(folder, `${keys}.new`), '{"wallet', { mode: 0o600 });
  else copyFileSync(join(states[next], keys), join(folder, `${keys}.new`));
  const first = await openTestLog(folder);
  expect(await first.head(call)).toMatchObject({ size });
  expect((await first.upkeep.epochs(call))[0]!.vkeys).toHaveLength(size - 1);
  expect(existsSync(join(folder, `${keys}.new`))).toBe(false);
  await first.append([boot()], call);
  await first.close();
  const log = await openTestLog(folder);
  const vkey = await log.upkeep.rotateKey(call);
  expect(await log.head(call)).toMatchObject({ vkey, size: size + 2 });
});

test("an older database under newer keys, and newer keys' log under older ones, are refused", async () => {
  const { before, after } = await makeStates();
  for (const [database, keyFile] of [
    [before, after],
    [after, before],
  ] as const) {
    const folder = makeFolder();
    copyFileSync(join(database, "log.db"), join(folder, "log.db"));
    copyFileSync(join(keyFile, keys), join(folder, keys));
    expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_LOG_KEY");
    rmSync(join(folder, keys));
    expect(await codeOf(openTestLog(folder))).toBe("ERR_AUDIT_LOG_KEY");
  }
});
