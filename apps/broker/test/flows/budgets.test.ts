// What a grant allows in all: uses, units and seconds, over HTTP and under haste.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ask, claim, grant, openBroker, pair, scope, type Answer, type Caller, type TestBroker } from "./harness.ts";

let broker: TestBroker;
let person: Caller;
let agent: Caller;
let agentId: string;
beforeAll(async () => {
  broker = await openBroker("[limits]\nrefusals = 1000\n");
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());
beforeEach(async () => {
  ({ agent, id: agentId } = await pair(broker, person));
});

const allow = async (constraints: object): Promise<Answer> => grant(person, agentId, { constraints });
const explain = async (change: object): Promise<Answer["body"]> =>
  (await agent.call("POST", "/v1/grants/explain", { issuer: "oidc", scope, ttl: 300, ...change })).body;
const mine = async (): Promise<Answer["body"]> => (await agent.call("GET", "/v1/grants/mine")).body["grants"][0];
const usedUp = (limit: string, left: number) => ({
  status: 403,
  body: { code: "ERR_GRANT_USED_UP", facts: { limit, left } },
});

test("sixty-four asks at once for ten units get ten and never one more", async () => {
  await allow({ budget: { units: 10 } });
  const answers = await Promise.all(Array.from({ length: 64 }, () => ask(agent)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  const refused = answers.filter(({ status }) => status !== 200);
  for (const one of refused) expect(one).toMatchObject(usedUp("units", 0));
  expect(await mine()).toMatchObject({ uses: 10, used: { units: 10 } });
});

test("asks of several units that race fill a budget and never pass it", async () => {
  await allow({ budget: { units: 50 } });
  const sizes = Array.from({ length: 32 }, (_, at) => 1 + (at % 7));
  const answers = await Promise.all(sizes.map((units) => ask(agent, { units })));
  const given = sizes.filter((_, at) => answers[at]!.status === 200).reduce((sum, one) => sum + one, 0);
  expect(given).toBeLessThanOrEqual(50);
  const { used } = await mine();
  expect(used).toEqual({ units: given });
  // Only what was too large for the rest was refused.
  const refused = sizes.filter((_, at) => answers[at]!.status !== 200);
  expect(Math.min(...refused)).toBeGreaterThan(50 - given);
});

test("asks for seconds that race never live longer in all than the budget", async () => {
  await allow({ budget: { seconds: 1000 } });
  const answers = await Promise.all(Array.from({ length: 16 }, () => ask(agent, { ttl: 300 })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  for (const one of answers.filter(({ status }) => status !== 200)) expect(one).toMatchObject(usedUp("seconds", 100));
  expect((await ask(agent, { ttl: 100 })).status).toBe(200);
  expect(await mine()).toMatchObject({ used: { seconds: 1000 }, constraints: { budget: { seconds: 1000 } } });
});

test("a refusal names the limit and what is left of it, and explain sees it beforehand", async () => {
  await allow({ max_uses: 2, budget: { units: 5, seconds: 700 } });
  expect(await explain({ units: 6 })).toMatchObject({ allowed: false, layer: "constraint", code: "ERR_GRANT_USED_UP" });
  expect(await ask(agent, { units: 6 })).toMatchObject(usedUp("units", 5));
  expect((await ask(agent, { units: 4, ttl: 600 })).status).toBe(200);
  expect(await ask(agent)).toMatchObject(usedUp("seconds", 100));
  expect(await ask(agent, { units: 2, ttl: 60 })).toMatchObject(usedUp("units", 1));
  expect(await explain({ ttl: 60 })).toMatchObject({ allowed: true });
  expect((await ask(agent, { ttl: 60 })).status).toBe(200);
  expect(await ask(agent, { ttl: 1 })).toMatchObject(usedUp("uses", 0));
});

test("another grant serves what the first has too little left for", async () => {
  await allow({ budget: { units: 1 } });
  const { body: second } = await allow({ budget: { units: 3 } });
  expect((await explain({ units: 2 })).grant).toBe(second.id);
  expect((await ask(agent)).status).toBe(200);
  expect((await ask(agent, { units: 2 })).status).toBe(200);
  expect(await ask(agent, { units: 2 })).toMatchObject(usedUp("units", 1));
});

test("a retry takes nothing, and other units under the same key are another request", async () => {
  await allow({ budget: { units: 3 } });
  const key = randomUUID();
  const first = await ask(agent, { units: 3 }, key);
  expect((await ask(agent, { units: 3 }, key)).body.credential.id).toBe(first.body.credential.id);
  expect(await mine()).toMatchObject({ uses: 1, used: { units: 3 } });
  expect((await ask(agent, { units: 2 }, key)).body.code).toBe("ERR_REQUEST_IDEMPOTENCY_REUSED");
});

test("one unit said or left out is the same request", async () => {
  await allow({ budget: { units: 1 } });
  const key = randomUUID();
  const first = await ask(agent, {}, key);
  expect((await ask(agent, { units: 1 }, key)).body.credential.id).toBe(first.body.credential.id);
});

test.each([0, -1, 1.5, 1_000_001, "1", null])("units of %j are no ask", async (units) => {
  expect((await ask(agent, { units })).body.code).toBe("ERR_REQUEST_MALFORMED");
});

test.each([{}, { units: 0 }, { seconds: 0.5 }, { units: 1, minutes: 1 }, { units: 1e13 }])(
  "a budget of %j is none",
  async (budget) => {
    expect((await allow({ budget })).body.code).toBe("ERR_REQUEST_MALFORMED");
  },
);
