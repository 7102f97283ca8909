// The facade before an audit log that lies: apart from a broker, since a broker has exactly one log and boots by it.
import { expect, test } from "vitest";
import type { AuditEvent, AuditLog } from "@agentkeys/core";
import { createGuard } from "../../src/facade/guard.ts";
import { createLogFacade, type LogFacade } from "../../src/facade/log.ts";

const event: AuditEvent = { id: "01890a5d-ac96-774b-bcce-b302099a8057", time: 1, type: 3, outcome: 2, account: "aa" };

function facade(lie: unknown): LogFacade {
  const answer = async (): Promise<never> => lie as never;
  const log: AuditLog = {
    append: answer,
    head: answer,
    prove: answer,
    receipt: answer,
    read: answer,
    find: answer,
    upkeep: { epochs: answer, tile: answer, erase: answer, rotateKey: answer, backup: answer },
    ready: answer,
    close: async () => undefined,
  };
  return createLogFacade("liar", log, createGuard("audit(liar)", 200), () => undefined);
}

const breach = { code: "ERR_PLUGIN_CONTRACT", message: expect.stringMatching(/^audit\(liar\): /u) };

test.each([
  ["nothing", undefined],
  ["no list", {}],
  ["no position", []],
  ["two positions", Array.from({ length: 2 }, () => ({ index: 0, receipt: "{}" }))],
  ["a position that is no number", [{ index: NaN, receipt: "{}" }]],
  ["a receipt that is no JSON", [{ index: 0, receipt: "saved" }]],
  ["a receipt that ends the answer early", [{ index: 0, receipt: '{}},"credential":{"value":"mine"}' }]],
])("an append that answers %s recorded nothing that may be relied on", async (_, lie) => {
  await expect(facade(lie).append(event, "r")).rejects.toMatchObject(breach);
});

test("an append that never answers is a timeout", async () => {
  await expect(facade(Promise.withResolvers().promise).append(event, "r")).rejects.toMatchObject({
    code: "ERR_PLUGIN_TIMEOUT",
  });
});

test("records of another account, and more of them than were asked for, are not passed on", async () => {
  const theirs = { index: 0, event: { ...event, account: "bb" } };
  const mine = { index: 0, event };
  await expect(facade([theirs]).read({ account: "aa", limit: 5 }, "r")).rejects.toMatchObject(breach);
  await expect(facade([null]).read({ account: "aa", limit: 5 }, "r")).rejects.toMatchObject(breach);
  await expect(facade([mine, mine]).read({ account: "aa", limit: 1 }, "r")).rejects.toMatchObject(breach);
  await expect(facade([mine]).read({ account: "aa", limit: 1 }, "r")).resolves.toEqual([mine]);
});

test("a found record is the one that was asked for", async () => {
  const found = { index: 0, event };
  await expect(facade(found).find("01890a5d-ac96-774b-bcce-b302099a8058", "r")).rejects.toMatchObject(breach);
  await expect(facade(null).find(event.id, "r")).rejects.toMatchObject(breach);
  await expect(facade(found).find(event.id, "r")).resolves.toEqual(found);
  await expect(facade(undefined).find(event.id, "r")).resolves.toBeUndefined();
});

test("a head, a proof, a receipt and a readiness of another form are refused", async () => {
  await expect(facade({ size: 1 }).head("r")).rejects.toMatchObject(breach);
  await expect(facade([1]).prove(0, 1, "r")).rejects.toMatchObject(breach);
  await expect(facade("[]").receipt({ record: event.id, open: [] }, "r")).rejects.toMatchObject(breach);
  await expect(facade({ status: "fine" }).ready("r")).rejects.toMatchObject(breach);
});

test("a log that answers nothing is asked nothing more after a while, instead of being filled", async () => {
  let asked = 0;
  const log = { append: () => ((asked += 1), Promise.withResolvers<never>().promise) } as unknown as AuditLog;
  const hanging = createLogFacade("liar", log, createGuard("audit(liar)", 50), () => undefined);
  const answers = await Promise.allSettled(Array.from({ length: 5000 }, () => hanging.append(event, "r")));
  expect(asked).toBe(4096);
  for (const answer of answers)
    expect(answer).toMatchObject({ status: "rejected", reason: { code: "ERR_PLUGIN_TIMEOUT" } });
});
