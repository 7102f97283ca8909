// kill -9 while agents mint: no credential that was released is without its record, and no use is counted twice, nor its units and seconds.
// AGENTKEYS_KILL_ROUNDS says how many rounds; 25 without it.
import { randomInt, randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseReceipt, parseVkey, verifyReceipt } from "@agentkeys/log";
import { ask, type Caller, claim, grant, pair, type Answer } from "../../apps/broker/test/flows/harness.ts";
import { startKilledBroker, type KilledBroker } from "./killed-broker.ts";

const rounds = Number(process.env["AGENTKEYS_KILL_ROUNDS"] ?? "25");
const askers = 12;

let broker: KilledBroker;
beforeAll(async () => {
  broker = await startKilledBroker();
});
afterAll(async () => broker.remove());

type LogKey = ReturnType<typeof parseVkey>;

/** What an asker knows of one Idempotency-Key: the answer, or undefined where the connection was cut. */
interface Asked {
  readonly agent: Caller;
  readonly key: string;
  readonly units: number;
  readonly answer: Answer | undefined;
}

/** Access tokens live ten minutes; many rounds take longer. */
async function renew(caller: Caller): Promise<void> {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: caller.refreshToken! });
  caller.token = undefined;
  const renewed = await caller.call("POST", "/oauth/token", form);
  expect(renewed.status).toBe(200);
  caller.take(renewed.body);
}

/** Asks until the broker is gone. */
async function askOn(agent: Caller): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (;;) {
    const [key, units] = [randomUUID(), randomInt(1, 6)];
    try {
      asked.push({ agent, key, units, answer: await ask(agent, { units }, key) });
    } catch {
      asked.push({ agent, key, units, answer: undefined });
      return asked;
    }
  }
}

/** The retry of what was answered, and of what was not, is the one credential of its key; its record is there. Answers the records. */
async function checkAll(asked: readonly Asked[], log: LogKey): Promise<readonly string[]> {
  const records: string[] = [];
  for (const { agent, key, units, answer } of asked) {
    const retried = await ask(agent, { units }, key);
    expect(retried.status).toBe(200);
    const first = answer ?? retried;
    expect(first.status).toBe(200);
    expect(first.body.credential.id).toBe(retried.body.credential.id);
    const { record } = decodeJwt(retried.body.credential.value)["agentkeys"] as { record: string };
    const kept = await agent.call("GET", `/v1/audit/receipts/${record}`);
    const verified = await verifyReceipt(parseReceipt(JSON.stringify(kept.body)), { log });
    expect(verified.record.id).toBe(record);
    records.push(record);
  }
  return records;
}

test(`after ${rounds} times kill -9 each released credential has its record, and each key one use`, async () => {
  const { caller: person } = await claim(broker);
  const agents = await Promise.all(Array.from({ length: askers }, () => pair(broker, person)));
  const budget = { units: 1_000_000_000, seconds: 1_000_000_000 };
  for (const { id } of agents)
    expect((await grant(person, id, { constraints: { max_ttl: 600, budget } })).status).toBe(201);
  const known = (await (await fetch(`${broker.url}/.well-known/agentkeys`)).json()) as { log: { vkey: string } };
  const log = parseVkey(known.log.vkey);

  const keys = new Set<string>();
  const records = new Set<string>();
  let [unanswered, units] = [0, 0];
  let renewedAt = Date.now();
  for (let round = 0; round < rounds; round++) {
    if (Date.now() - renewedAt > 240_000) {
      await Promise.all([person, ...agents.map(({ agent }) => agent)].map(renew));
      renewedAt = Date.now();
    }
    const asking = agents.map(({ agent }) => askOn(agent));
    await setTimeout(randomInt(20, 400));
    await broker.kill();
    const asked = await Promise.all(asking);
    await broker.start();
    const kept = (await Promise.all(asked.map(async (all) => checkAll(all, log)))).flat();
    for (const record of kept) records.add(record);
    for (const { key, units: one, answer } of asked.flat()) {
      keys.add(key);
      units += one;
      if (answer === undefined) unanswered++;
    }
  }
  expect(records.size).toBe(keys.size);
  expect(unanswered).toBeGreaterThan(0);
  const { body } = await person.call("GET", "/v1/grants");
  const grants = body.grants as { uses: number; used: typeof budget }[];
  const sumOf = (count: (one: (typeof grants)[number]) => number) => grants.reduce((sum, one) => sum + count(one), 0);
  expect(sumOf(({ uses }) => uses)).toBe(keys.size);
  expect(sumOf(({ used }) => used.units)).toBe(units);
  expect(sumOf(({ used }) => used.seconds)).toBe(keys.size * 300);
}, 3_600_000);
