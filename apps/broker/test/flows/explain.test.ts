// Which layer refuses, and what the agent could ask for instead: no more than it would be given, and nothing of other accounts.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, claim, grant, openBroker, pair, scope, type Answer, type Caller, type TestBroker } from "./harness.ts";

const stranger = "f".repeat(64);
const wide = { actions: ["token"], resources: ["https://*"] };
let broker: TestBroker;
let person: Caller;
let agent: Caller;
let agentId: string;
let grantId: string;
beforeAll(async () => {
  broker = await openBroker(`[[rights]]
who = { role = "operator" }
issuer = "oidc"
scope = { actions = ["token"], resources = ["https://*"] }
max_ttl = "20m"
[[rights]]
who = { account = "${stranger}" }
issuer = "oidc"
scope = { actions = ["token"], resources = ["https://of-the-stranger.example.com"] }
max_ttl = "8h"
[[ceiling]]
issuer = "oidc"
scope = { actions = ["token"], resources = ["https://*"] }
max_ttl = "10m"
`);
  ({ caller: person } = await claim(broker));
  ({ agent, id: agentId } = await pair(broker, person));
  const made = await grant(person, agentId, { scope: wide, constraints: { max_uses: 2, budget: { units: 5 } } });
  grantId = made.body.id;
});
afterAll(() => broker.close());

const explain = async (change: object = {}): Promise<Answer["body"]> =>
  (await agent.call("POST", "/v1/grants/explain", { issuer: "oidc", scope, ttl: 300, ...change })).body;
const allowedNow = () => [
  { grant: grantId, issuer: "oidc", scope: wide, min_ttl: 1, max_ttl: 600, left: { uses: 2, units: 5 } },
];

test.each([
  ["issuer", "ERR_ISSUER_UNKNOWN", { issuer: "aws" }],
  ["issuer", "ERR_GRANT_SCOPE", { scope: wide }],
  ["grant", "ERR_GRANT_DENIED", { scope: { actions: ["token"], resources: ["http://plain.example.com"] } }],
  ["constraint", "ERR_GRANT_USED_UP", { units: 6 }],
  ["rights", "ERR_GRANT_EXCEEDS_RIGHTS", { ttl: 1201 }],
  ["ceiling", "ERR_GRANT_DENIED", { ttl: 601 }],
])("the %s layer refuses with %s, and what would be allowed is told", async (layer, code, change) => {
  const told = await explain(change);
  expect(told).toMatchObject({ allowed: false, layer, code });
  expect(told.would_allow).toEqual(allowedNow());
  expect(JSON.stringify(told)).not.toContain("stranger");
  expect((await ask(agent, change)).body.code).toBe(code);
});

test("a limit is told with what is left, and what is used up is allowed no more", async () => {
  expect(await explain({ units: 6 })).toMatchObject({ facts: { limit: "units", left: 5 } });
  for (const units of [3, 2]) expect((await ask(agent, { units })).status).toBe(200);
  expect(await explain()).toMatchObject({ layer: "constraint", facts: { limit: "uses", left: 0 }, would_allow: [] });
});

test("a grant that has not begun, and one that was ended, allow nothing", async () => {
  const { agent: other, id } = await pair(broker, person);
  const begins = `${new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)}Z`;
  await grant(person, id, { constraints: { not_before: begins } });
  const { body: ended } = await grant(person, id);
  expect((await person.call("DELETE", `/v1/grants/${ended.id}`)).status).toBe(204);
  const { body: told } = await other.call("POST", "/v1/grants/explain", { issuer: "oidc", scope, ttl: 300 });
  expect(told).toMatchObject({ allowed: false, layer: "grant", would_allow: [] });
});
