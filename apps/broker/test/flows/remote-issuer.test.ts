// An issuer that calls out: the intent is recorded before it is called, the result before its credential is released.
import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { AgentKeysError } from "@agentkeys/core";
import { parseReceipt, parseVkey, verifyReceipt } from "@agentkeys/log";
import { ask, claim, grant, openBroker, pair, type Answer, type Caller, type TestBroker } from "./harness.ts";
import { install } from "./install.ts";

/** What the far side does when it is called, and what it was called with. */
interface FarSide {
  orders: { record: string; identityToken: string; expiresAt: number }[];
  act(): Promise<void>;
}
const farSide: FarSide = { orders: [], act: async () => undefined };
Object.assign(globalThis, { agentkeysTestFarSide: farSide });

install(
  "issuer-far",
  `const far = globalThis.agentkeysTestFarSide;
export default { kind: "issuer", name: "far", apiVersion: 1, capabilities: ["remote"], config, create: async () => ({ ...life,
  shortestTtl: 300,
  parseScope: (text) => JSON.parse(text),
  identityToken: () => ({ audience: "https://far.example", algorithm: "ES256", claims: {
    "https://far.example/who": { agent: ["{agent}"], note: "of {agent}", record: "{record}" } } }),
  issue: async (order) => {
    far.orders.push(order);
    await far.act();
    return { id: "FAR" + far.orders.length, type: "far", value: { key: "s3cret" }, expiresAt: order.expiresAt - 10 };
  },
}) };`,
);

const resource = "urn:far:bucket";
const scope = { actions: ["read"], resources: [resource] };
let broker: TestBroker;
let person: Caller;
let agent: Caller;
let agentId: string;
let grantId: string;
beforeAll(async () => {
  broker = await openBroker(`[issuer]
names = ["oidc", "far"]
[issuer.far]
plugin = "@acme/issuer-far"
[[rights]]
who = { role = "operator" }
issuer = "far"
scope = { actions = ["read"], resources = ["${resource}"] }
max_ttl = "1h"
`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());
beforeEach(async () => {
  farSide.orders = [];
  farSide.act = async () => undefined;
  ({ agent, id: agentId } = await pair(broker, person));
  grantId = (await allow({})).body["id"] as string;
});

const allow = async (constraints: object): Promise<Answer> =>
  grant(person, agentId, { issuer: "far", scope, constraints });
const mint = async (key: string = randomUUID(), ttl = 600): Promise<Answer> =>
  ask(agent, { issuer: "far", scope, ttl }, key);

interface Told {
  readonly id: string;
  readonly type: string;
  readonly outcome: string;
  readonly credential?: string;
  readonly parent?: string;
  readonly code?: string;
}

/** What the owner's audit tells of the agent's asks, oldest first. */
async function told(): Promise<readonly Told[]> {
  const { body } = await person.call("GET", "/v1/audit/records?limit=200");
  const all = body["records"] as (Told & { agent?: string; issuer?: string })[];
  return all.filter((one) => one.agent === agentId && ["intent", "issued", "denied"].includes(one.type)).toReversed();
}
const uses = async (): Promise<number> =>
  ((await person.call("GET", "/v1/grants")).body["grants"] as { id: string; uses: number }[]).find(
    ({ id }) => id === grantId,
  )!.uses;

test("intent, call, result, release: the receipt is of the result, under the intent that the far side knows", async () => {
  farSide.act = async () => {
    // Called only when the intent stands in the log.
    expect((await told()).map(({ type, outcome }) => [type, outcome])).toEqual([["intent", "notApplicable"]]);
  };
  const { status, body } = await mint();
  expect(status).toBe(200);
  const [order] = farSide.orders;
  const [intent, result, ...rest] = await told();
  expect(rest).toEqual([]);
  expect(intent).toMatchObject({ id: order!.record, type: "intent" });
  expect(intent).not.toHaveProperty("credential");
  expect(result).toMatchObject({ type: "issued", outcome: "ok", credential: "FAR1", parent: intent!.id });
  const { credential } = body;
  expect(credential).toMatchObject({ id: "FAR1", type: "far", value: { key: "s3cret" } });
  const known = (await (await fetch(`${broker.url}/.well-known/agentkeys`)).json()) as { log: { vkey: string } };
  const [from, to] = [credential.issued_at, credential.expires_at].map((time: string) => Date.parse(time) / 1000);
  const verified = await verifyReceipt(
    parseReceipt(JSON.stringify(body.receipt)),
    { log: parseVkey(known.log.vkey) },
    { agent: agentId, credential: "FAR1", scope: JSON.stringify(scope), validity: [from!, to!] },
  );
  expect(verified.record).toMatchObject({ id: result!.id, parent: intent!.id });
  expect(to).toBe(order!.expiresAt - 10);
  expect(await uses()).toBe(1);
});

test("the identity token says of the step what the issuer asked to be told, and of itself what it always does", async () => {
  await mint();
  const [{ record, identityToken }] = farSide.orders as [FarSide["orders"][number]];
  expect(decodeJwt(identityToken)).toMatchObject({
    aud: "https://far.example",
    sub: `agentkeys:agent:${agentId}`,
    agentkeys: { record },
    "https://far.example/who": { agent: [agentId], note: "of {agent}", record },
  });
});

test("a retry is told that the outcome is not kept, calls nobody and uses nothing", async () => {
  const key = randomUUID();
  expect((await mint(key)).status).toBe(200);
  expect(await mint(key)).toMatchObject({ status: 409, body: { code: "ERR_ISSUER_OUTCOME_UNKNOWN" } });
  expect(farSide.orders).toHaveLength(1);
  expect(await told()).toHaveLength(2);
  expect(await uses()).toBe(1);
});

test("a call that fails is a use, and recorded under its intent; a retry gets the same error", async () => {
  farSide.act = async () => Promise.reject(new Error("the far side says s3cret"));
  const key = randomUUID();
  const first = await mint(key);
  expect(first).toMatchObject({ status: 502, body: { code: "ERR_PLUGIN_FAILED" } });
  expect(JSON.stringify(first.body)).not.toContain("s3cret");
  expect(await mint(key)).toMatchObject({ status: 502, body: { code: "ERR_PLUGIN_FAILED" } });
  const [intent, result, ...rest] = await told();
  expect(rest).toEqual([]);
  expect(result).toMatchObject({ type: "issued", outcome: "error", code: "ERR_PLUGIN_FAILED", parent: intent!.id });
  expect(farSide.orders).toHaveLength(1);
  expect(await uses()).toBe(1);
});

test("a far side that hangs ends in time, and its outcome is unknown", async () => {
  farSide.act = async () => Promise.withResolvers<undefined>().promise;
  expect(await mint()).toMatchObject({ status: 504, body: { code: "ERR_PLUGIN_TIMEOUT" } });
  const [intent, result] = await told();
  expect(result).toMatchObject({ type: "issued", outcome: "unknown", code: "ERR_PLUGIN_TIMEOUT", parent: intent!.id });
}, 20_000);

test("where the issuer itself does not know what came of its call, that is answered and recorded", async () => {
  const code = "ERR_ISSUER_OUTCOME_UNKNOWN";
  farSide.act = async () => Promise.reject(new AgentKeysError(code, "no answer came", {}));
  const key = randomUUID();
  expect(await mint(key)).toMatchObject({ status: 409, body: { code } });
  const [intent, result] = await told();
  expect(result).toMatchObject({ type: "issued", outcome: "unknown", code, parent: intent!.id });
  expect(await mint(key)).toMatchObject({ status: 409, body: { code } });
  expect(farSide.orders).toHaveLength(1);
});

test.each([
  ["grant", async () => person.call("DELETE", `/v1/grants/${grantId}`)],
  ["agent", async () => person.call("DELETE", `/v1/agents/${agentId}`)],
])("what is revoked (%s) while the far side is asked is not released", async (_what, revoke) => {
  farSide.act = async () => expect((await revoke()).status).toBeLessThan(300);
  const refused = await mint();
  expect(refused).toMatchObject({ body: { code: "ERR_GRANT_NOT_FOUND" } });
  expect(JSON.stringify(refused.body)).not.toContain("s3cret");
  const [intent, result] = await told();
  expect(result).toMatchObject({ outcome: "error", code: "ERR_GRANT_NOT_FOUND", parent: intent!.id });
  expect(result).not.toHaveProperty("credential");
});

test("nobody is called for what no grant allows, and a second use of one for one use is refused before the call", async () => {
  expect(
    (await ask(agent, { issuer: "far", scope: { actions: ["write"], resources: [resource] }, ttl: 600 })).status,
  ).toBe(403);
  await person.call("DELETE", `/v1/grants/${grantId}`);
  await allow({ max_uses: 1 });
  const raced = await Promise.all([mint(), mint(), mint()]);
  expect(raced.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 403, 403]);
  expect(farSide.orders).toHaveLength(1);
});

test("less than the far side gives is refused, in the grant and in the ask, with what it gives at least", async () => {
  const short = { status: 400, body: { code: "ERR_ISSUER_TTL", facts: { minimum: 300 } } };
  expect(await allow({ max_ttl: 299 })).toMatchObject(short);
  expect(await allow({ budget: { seconds: 299 } })).toMatchObject(short);
  expect(await mint(randomUUID(), 299)).toMatchObject(short);
  expect((await allow({ max_ttl: 300 })).status).toBe(201);
  expect((await mint(randomUUID(), 300)).status).toBe(200);
});
