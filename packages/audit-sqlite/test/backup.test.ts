import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import plugin from "../src/index.ts";
import { account, boot, codeOf, issued, makeCall, makeFolder, makeHost, openTestLog, verify } from "./support.ts";

const call = makeCall();

test("a copy opens as the log it was, at the head answered, and goes on from there", async () => {
  const [folder, copy] = [makeFolder(), join(makeFolder(), "copy")];
  const first = await openTestLog(folder);
  const events = [issued(), issued(), boot()];
  await first.append(events, call);
  await first.close();
  await plugin.startEpoch!({ file: "log.db" }, makeHost(folder));
  const log = await openTestLog(folder);
  await log.upkeep.rotateKey(call);
  const late = issued();
  await log.append([late], call);
  const head = await log.upkeep.backup(copy, call);
  expect(head.note).toBe((await log.head(call)).note);
  await log.append([boot()], call);
  const opened = await openTestLog(copy);
  expect(await opened.head(call)).toMatchObject(head);
  expect(await opened.upkeep.epochs(call)).toHaveLength(2);
  expect(await opened.read({ account, limit: 10 }, call)).toHaveLength(3);
  await verify(opened, await opened.receipt({ record: late.id, open: [5, 6] }, call));
  const [position] = await opened.append([issued()], call);
  expect(position!.index).toBe(head.size);
});

test("the copy is for its owner alone, and holds no more than database and keys", async () => {
  const copy = join(makeFolder(), "deep", "copy");
  const log = await openTestLog(makeFolder());
  await log.append([boot()], call);
  await log.upkeep.backup(copy, call);
  expect(readdirSync(copy).toSorted()).toEqual(["log-keys.json", "log.db"]);
  for (const name of readdirSync(copy)) expect(statSync(join(copy, name)).mode & 0o777).toBe(0o600);
  expect(statSync(copy).mode & 0o777).toBe(0o700);
});

test("appends go on while a copy is taken, and it is the log at one moment", { timeout: 120_000 }, async () => {
  const [folder, copy] = [makeFolder(), makeFolder()];
  const log = await openTestLog(folder);
  const filler = { filler: "x".repeat(3000) };
  const grow = async (count: number): Promise<void> => {
    await log.append(
      Array.from({ length: count }, () => boot({ body: filler })),
      call,
    );
  };
  for (let round = 0; round < 20; round++) await grow(200);
  const taken = log.upkeep.backup(copy, call);
  const end = taken.then(() => "taken");
  let during = 0;
  do {
    await log.append([issued(), boot()], call);
    during++;
  } while ((await Promise.race([end, Promise.resolve("under way")])) !== "taken");
  const head = await taken;
  expect(during).toBeGreaterThan(3);
  expect(head.size).toBeGreaterThan(4002);
  expect(head.size).toBeLessThanOrEqual((await log.head(call)).size);
  const opened = await openTestLog(copy);
  expect(await opened.head(call)).toMatchObject(head);
  const [last] = await opened.read({ account, limit: 1 }, call);
  expect(last!.index).toBe(head.size - 2);
  const proof = await log.prove(head.size, (await log.head(call)).size, call);
  expect(Array.isArray(proof)).toBe(true);
});

test("a folder that is not empty, or that cannot be made, is refused, and what is in it stays", async () => {
  const log = await openTestLog(makeFolder());
  await log.append([boot()], call);
  const full = makeFolder();
  writeFileSync(join(full, "mine"), "mine");
  expect(await codeOf(log.upkeep.backup(full, call))).toBe("ERR_AUDIT_UNAVAILABLE");
  expect(readdirSync(full)).toEqual(["mine"]);
  expect(await codeOf(log.upkeep.backup(join(full, "mine"), call))).toBe("ERR_AUDIT_UNAVAILABLE");
  expect(await codeOf(log.upkeep.backup(join(full, "mine", "x"), call))).toBe("ERR_AUDIT_UNAVAILABLE");
  mkdirSync(join(full, "dir"));
  expect(await log.ready(call)).toEqual({ status: "ready" });
});

test("an erasure while a copy is taken is in the copy too", async () => {
  const [folder, copy] = [makeFolder(), makeFolder()];
  const log = await openTestLog(folder);
  const event = issued();
  await log.append([event], call);
  for (let round = 0; round < 10; round++)
    await log.append(
      Array.from({ length: 200 }, () => boot({ body: { filler: "x".repeat(3000) } })),
      call,
    );
  const taken = log.upkeep.backup(copy, call);
  await log.upkeep.erase(account, call);
  await taken;
  const opened = await openTestLog(copy);
  expect((await opened.find(event.id, call))!.event).not.toHaveProperty("account");
});

test("a copy that is cut off leaves a log that goes on", async () => {
  const [folder, copy] = [makeFolder(), makeFolder()];
  const log = await openTestLog(folder);
  for (let round = 0; round < 10; round++)
    await log.append(
      Array.from({ length: 200 }, () => boot({ body: { filler: "x".repeat(3000) } })),
      call,
    );
  const gone = new AbortController();
  const taken = codeOf(log.upkeep.backup(copy, makeCall(gone.signal)));
  gone.abort();
  expect(await taken).toBe("ERR_AUDIT_UNAVAILABLE");
  await log.append([boot()], call);
  await log.close();
  const again = await openTestLog(folder);
  expect(await again.head(call)).toMatchObject({ size: 2001 });
  expect(existsSync(join(folder, "log.db"))).toBe(true);
});
