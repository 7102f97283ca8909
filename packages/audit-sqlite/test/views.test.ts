import { expect, test } from "vitest";
import { account, boot, codeOf, issued, makeCall, makeFolder, openTestLog } from "./support.ts";

const call = makeCall();

test("an account reads its own records, newest first, page by page, with every value as it was appended", async () => {
  const log = await openTestLog(makeFolder());
  const mine = Array.from({ length: 5 }, (_, at) => issued({ body: { at, list: [1, "two", { three: [] }] } }));
  const others = issued({ account: "00".repeat(32) });
  await log.append([boot(), ...mine.slice(0, 2), others, ...mine.slice(2), boot()], call);
  const first = await log.read({ account, limit: 3 }, call);
  expect(first.map(({ event }) => event)).toEqual(mine.slice(2).toReversed());
  expect(first.map(({ index }) => index)).toEqual([6, 5, 4]);
  const second = await log.read({ account, limit: 3, before: 4 }, call);
  expect(second.map(({ event }) => event)).toEqual(mine.slice(0, 2).toReversed());
  expect(await log.read({ account, limit: 3, before: 1 }, call)).toEqual([]);
  expect(await log.read({ account: "11".repeat(32), limit: 3 }, call)).toEqual([]);
});

test("a page has at most 200 records, and a limit that is no number gives none", async () => {
  const log = await openTestLog(makeFolder());
  await log.append(
    Array.from({ length: 210 }, () => issued()),
    call,
  );
  expect(await log.read({ account, limit: 1000 }, call)).toHaveLength(200);
  for (const limit of [Number.NaN, -1, 0.5, "x" as never]) expect(await log.read({ account, limit }, call)).toEqual([]);
});

test("a record is found by its id, with or without a person in it", async () => {
  const folder = makeFolder();
  const first = await openTestLog(folder);
  const events = [boot(), issued(), issued({ type: 3, outcome: 2, code: "ERR_GRANT_DENIED", parent: boot().id })];
  await first.append(events, call);
  await first.close();
  const log = await openTestLog(folder);
  for (const [index, event] of events.entries()) expect(await log.find(event.id, call)).toEqual({ index, event });
  for (const id of ["nonsense", "", boot().id, boot().id.toUpperCase(), 7 as never, { id: 1 } as never])
    expect(await log.find(id, call)).toBeUndefined();
});

test("a question of no known form is answered with an error and harms nobody", async () => {
  const log = await openTestLog(makeFolder());
  expect(await codeOf(log.prove(null as never, null as never, call))).toBe("ERR_AUDIT_PROOF");
  expect(await codeOf(log.receipt(null as never, call))).toBe("ERR_INTERNAL");
  expect(await codeOf(log.receipt({ record: boot().id, open: [], size: Symbol.iterator } as never, call))).not.toBe(
    "nothing",
  );
  await log.append([boot()], call);
  expect(await log.ready(call)).toEqual({ status: "ready" });
});
