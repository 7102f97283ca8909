// What a proposal must never be: power in itself, another account's business, wider than what was shown, or a flood.
import { join } from "node:path";
import Database from "better-sqlite3";
import { Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ask, Caller, claim, openBroker, pair, signIn, type Answer, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";

// Its scopes hold several resources, so that a wish can be widened and narrowed.
install(
  "issuer-drawer",
  `export default { kind: "issuer", name: "drawer", apiVersion: 1, capabilities: ["local"], config, create: async () => ({ ...life,
  parseScope: (text) => JSON.parse(text),
  identityToken: () => undefined,
  issue: async (order) => ({ id: order.credential, type: "drawer", value: "s3cret", expiresAt: order.expiresAt }),
}) };`,
);

let broker: TestBroker;
let person: Caller;
let agent: Caller;
let agentId: string;
beforeAll(async () => {
  const right = (role: string, ttl: string) => `[[rights]]
who = { role = "${role}" }
issuer = "drawer"
scope = { actions = ["read", "write"], resources = ["drawer/*"] }
max_ttl = "${ttl}"
`;
  broker = await openBroker(`[accounts]
sign_up = "open"
[issuer]
names = ["drawer"]
[issuer.drawer]
plugin = "@acme/issuer-drawer"
[limits]
refusals = 10000
calls = 10000
sign_ins = 1000
${right("operator", "10m")}${right("member", "5m")}`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());
beforeEach(async () => {
  ({ agent, id: agentId } = await pair(broker, person));
});

const wish = { issuer: "drawer", scope: { actions: ["read"], resources: ["drawer/a", "drawer/b"] }, ttl: 300 };
const propose = async (change: object = {}, by: Caller = agent): Promise<Answer> =>
  by.call("POST", "/v1/proposals", { ...wish, ...change });
const accept = async (id: string, choice: object = {}, by: Caller = person): Promise<Answer> =>
  by.call("POST", `/v1/proposals/${id}/accept`, choice);
const openOf = async (id: string): Promise<readonly { id: string }[]> =>
  ((await person.call("GET", "/v1/proposals")).body.proposals as { id: string; agent: string }[]).filter(
    (one) => one.agent === id,
  );
const grantsOf = async (id: string): Promise<unknown[]> =>
  (await person.call("GET", `/v1/grants?agent=${id}`)).body.grants as unknown[];

async function stranger(): Promise<Caller> {
  const caller = await Caller.open(broker.url);
  return caller.take((await signIn(caller, Wallet.createRandom())).body);
}

test("an agent accepts nothing, neither its own proposal nor another's, and reads and declines none", async () => {
  const { id } = (await propose()).body;
  const { agent: other } = await pair(broker, person);
  for (const by of [agent, other])
    for (const [method, path] of [
      ["POST", `/v1/proposals/${id}/accept`],
      ["POST", `/v1/proposals/${id}/decline`],
      ["GET", "/v1/proposals"],
    ] as const) {
      const answer = await by.call(method, path, method === "GET" ? undefined : {});
      expect(answer).toMatchObject({ status: 403, body: { code: "ERR_SESSION_CALLER" } });
    }
  expect(await grantsOf(agentId)).toEqual([]);
  expect(await openOf(agentId)).toHaveLength(1);
  expect((await ask(agent, wish)).body.code).toBe("ERR_GRANT_DENIED");
});

test("a person proposes nothing, and nobody proposes without a session", async () => {
  expect((await propose({}, person)).body.code).toBe("ERR_SESSION_CALLER");
  expect((await propose({}, await Caller.open(broker.url))).body.code).toBe("ERR_SESSION_TOKEN");
});

test("another account's proposal is not found: not listed, not accepted, not declined", async () => {
  const { id } = (await propose()).body;
  const other = await stranger();
  const never = "prp_7h3k9m2p5r8t1w4y6a0c3e5g7j";
  for (const way of ["accept", "decline"]) {
    const answers = await Promise.all([id, never].map((one) => other.call("POST", `/v1/proposals/${one}/${way}`, {})));
    const [known, unknown] = answers.map(({ body }) => ({ ...body, request_id: "" }));
    expect(known).toMatchObject({ status: 404, code: "ERR_GRANT_NOT_FOUND" });
    expect(known).toEqual(unknown);
  }
  expect((await other.call("GET", "/v1/proposals")).body.proposals).toEqual([]);
  expect((await accept(id)).status).toBe(201);
});

test.each([
  ["another resource", { actions: ["read"], resources: ["drawer/a", "drawer/c"] }],
  ["a resource more", { actions: ["read"], resources: ["drawer/a", "drawer/b", "drawer/c"] }],
  ["a pattern over them", { actions: ["read"], resources: ["drawer/*"] }],
  ["another action", { actions: ["read", "write"], resources: ["drawer/a"] }],
])("accepting widens nothing: %s", async (_what, scope) => {
  const { id } = (await propose()).body;
  expect(await accept(id, { scope })).toMatchObject({
    status: 403,
    body: { code: "ERR_GRANT_DENIED", facts: { layer: "proposal" } },
  });
  expect(await grantsOf(agentId)).toEqual([]);
  const narrower = { actions: ["read"], resources: ["drawer/b"] };
  expect(await accept(id, { scope: narrower })).toMatchObject({ status: 201, body: { scope: narrower } });
});

test("accepting changes neither agent nor issuer, whatever the body names", async () => {
  const { id } = (await propose()).body;
  const { id: other } = await pair(broker, person);
  for (const change of [{ agent: other }, { issuer: "oidc" }, { account: "x" }])
    expect((await accept(id, change)).body.code).toBe("ERR_REQUEST_MALFORMED");
});

test("the rights of the accepting person decide, at the moment of accepting", async () => {
  const member = await stranger();
  const { agent: held } = await pair(broker, member);
  expect((await propose({ ttl: 600 }, held)).body.code).toBe("ERR_GRANT_EXCEEDS_RIGHTS");
  const { id } = (await propose({}, held)).body;
  const answer = await accept(id, { constraints: { max_ttl: 301 } }, member);
  expect(answer).toMatchObject({ status: 403, body: { code: "ERR_GRANT_EXCEEDS_RIGHTS" } });
  expect((await accept(id, {}, member)).status).toBe(201);
});

test("a proposal is accepted once: of sixteen at once one makes a grant, and none does later", async () => {
  const { id } = (await propose()).body;
  const answers = await Promise.all(Array.from({ length: 16 }, () => accept(id)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  for (const { status, body } of answers.filter((one) => one.status !== 201))
    expect({ status, code: body.code }).toEqual({ status: 404, code: "ERR_GRANT_NOT_FOUND" });
  expect((await accept(id)).body.code).toBe("ERR_GRANT_NOT_FOUND");
  expect(await grantsOf(agentId)).toHaveLength(1);
});

test("of accepting and declining at once one is done", async () => {
  for (let round = 0; round < 8; round++) {
    const { id } = (await propose({ ttl: 100 + round })).body;
    const before = (await grantsOf(agentId)).length;
    const [accepted, declined] = await Promise.all([accept(id), person.call("POST", `/v1/proposals/${id}/decline`)]);
    expect([accepted.status, declined.status]).toContain(404);
    expect((await grantsOf(agentId)).length - before).toBe(accepted.status === 201 ? 1 : 0);
    expect([201, 404]).toContain(accepted.status);
  }
});

test("an agent that is revoked while its proposal is accepted gets nothing, and its proposals are gone", async () => {
  for (let round = 0; round < 8; round++) {
    const { agent: doomed, id: doomedId } = await pair(broker, person);
    const { id } = (await propose({}, doomed)).body;
    await propose({ ttl: 200 }, doomed);
    const [accepted, revoked] = await Promise.all([accept(id), person.call("DELETE", `/v1/agents/${doomedId}`)]);
    expect(revoked.status).toBe(204);
    expect([201, 404]).toContain(accepted.status);
    expect((await ask(doomed, wish)).body.code).toBe("ERR_SESSION_TOKEN");
    expect((await propose({}, doomed)).body.code).toBe("ERR_SESSION_TOKEN");
    expect(await openOf(doomedId)).toEqual([]);
    expect((await accept(id)).body.code).toBe("ERR_GRANT_NOT_FOUND");
  }
});

test("an agent has twenty open proposals at most, however it hastens; its refusals go on without", async () => {
  const lifetimes = Array.from({ length: 64 }, (_, at) => 10 + at);
  const answers = await Promise.all(
    lifetimes.map((ttl) => (ttl % 2 === 0 ? propose({ ttl }) : ask(agent, { ...wish, ttl }))),
  );
  expect(await openOf(agentId)).toHaveLength(20);
  const tooMany = answers.filter(({ status }) => status === 429);
  expect(tooMany.length).toBeGreaterThan(0);
  for (const { body, headers } of tooMany) {
    expect(body.code).toBe("ERR_REQUEST_RATE_LIMITED");
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(86_000);
  }
  const late = await ask(agent, { ...wish, ttl: 99 });
  expect(late).toMatchObject({ status: 403, body: { code: "ERR_GRANT_DENIED" } });
  expect(late.body).not.toHaveProperty("proposal");
  // Another agent of the same person is not kept from it.
  const { agent: other } = await pair(broker, person);
  expect((await propose({}, other)).status).toBe(200);
});

test("a proposal says nothing but the wish: there is no place for words", async () => {
  for (const change of [{ note: "approve me" }, { reason: "x" }, { name: "x" }, { id: "prp_x" }, { grant: "grn_x" }])
    expect((await propose(change)).body.code).toBe("ERR_REQUEST_MALFORMED");
  const long = Array.from({ length: 6 }, (_, at) => `drawer/${at}${"a".repeat(900)}`);
  const longScope = { scope: { actions: ["read"], resources: long } };
  expect((await propose(longScope)).body.code).toBe("ERR_GRANT_SCOPE");
  expect((await ask(agent, { ...wish, ...longScope })).body).not.toHaveProperty("proposal");
});

test("an erased account leaves no proposal", async () => {
  const member = await stranger();
  const { agent: held, id } = await pair(broker, member);
  await propose({}, held);
  const client = new Database(join(broker.folder, "data/broker.db"), { readonly: true });
  const left = client.prepare("SELECT count(*) FROM proposals WHERE agent = ?").pluck();
  expect(left.get(id)).toBe(1);
  expect((await member.call("DELETE", "/v1/account")).status).toBe(204);
  expect(left.get(id)).toBe(0);
  client.close();
});
