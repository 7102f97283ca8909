// A refused ask waits for its owner, who makes a grant of it or declines.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  ask,
  claim,
  grant,
  openBroker,
  pair,
  scope,
  signIn,
  type Answer,
  type Caller,
  type TestBroker,
} from "./harness.ts";

let broker: TestBroker;
let person: Caller;
let wallet: Awaited<ReturnType<typeof claim>>["wallet"];
let agent: Caller;
let agentId: string;
beforeAll(async () => {
  broker = await openBroker(`[limits]
refusals = 1000
[[rights]]
who = { role = "operator" }
issuer = "oidc"
scope = { actions = ["token"], resources = ["https://*"] }
max_ttl = "20m"
[[ceiling]]
issuer = "oidc"
scope = { actions = ["token"], resources = ["https://*"] }
max_ttl = "15m"
`);
  ({ caller: person, wallet } = await claim(broker));
});
afterAll(() => broker.close());
beforeEach(async () => {
  ({ agent, id: agentId } = await pair(broker, person));
});
afterEach(() => void vi.useRealTimers());

const propose = async (change: object = {}): Promise<Answer> =>
  agent.call("POST", "/v1/proposals", { issuer: "oidc", scope, ttl: 300, ...change });
const accept = async (id: string, choice: object = {}): Promise<Answer> =>
  person.call("POST", `/v1/proposals/${id}/accept`, choice);
const decline = async (id: string): Promise<Answer> => person.call("POST", `/v1/proposals/${id}/decline`);
const mine = async (): Promise<Answer["body"][]> =>
  ((await person.call("GET", "/v1/proposals")).body.proposals as { agent: string }[]).filter(
    (one) => one.agent === agentId,
  );

test("a refused ask carries a proposal, its owner accepts it, and the same ask is answered", async () => {
  const refused = await ask(agent, { units: 3 });
  expect(refused.body).toMatchObject({ status: 403, code: "ERR_GRANT_DENIED", proposal: expect.any(String) });
  const { proposal } = refused.body;
  expect(refused.body.facts.proposal).toBe(proposal);
  const [waiting, ...others] = await mine();
  expect(others).toEqual([]);
  const wish = { id: proposal, status: "open", agent: agentId, issuer: "oidc", scope, ttl: 300, units: 3 };
  expect(waiting).toEqual({ ...wish, created_at: expect.any(String), expires_at: expect.any(String) });
  expect(Date.parse(waiting.expires_at) - Date.parse(waiting.created_at)).toBe(86_400_000);
  const made = await accept(proposal, { constraints: { budget: { units: 3 } } });
  expect(made).toMatchObject({ status: 201, body: { agent: agentId, scope } });
  // Without a longest lifetime of the person's own choice it is the wish's.
  expect(made.body.constraints).toEqual({ max_ttl: 300, budget: { units: 3 } });
  expect(await mine()).toEqual([]);
  expect((await ask(agent, { units: 3 })).status).toBe(200);
  const { body } = await person.call("GET", "/v1/audit/records?limit=20");
  const told = body.records as { grant?: string; scope?: string }[];
  expect(told.filter((one) => one.grant === made.body.id)).toHaveLength(2);
});

test.each([
  ["ERR_GRANT_TTL", { max_ttl: 60 }, {}],
  ["ERR_GRANT_USED_UP", { budget: { units: 1 } }, { units: 2 }],
  ["ERR_GRANT_NOT_FOUND", {}, { grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j" }],
])("%s carries a proposal too", async (code, constraints, change) => {
  await grant(person, agentId, { constraints });
  const { body } = await ask(agent, change);
  expect(body).toMatchObject({ code, proposal: expect.any(String) });
  expect((await mine()).map(({ id }) => id)).toEqual([body.proposal]);
});

test.each([
  ["beyond the rights", { ttl: 1201 }, "ERR_GRANT_EXCEEDS_RIGHTS"],
  ["above the ceiling", { ttl: 901 }, "ERR_GRANT_DENIED"],
  ["of no issuer", { issuer: "aws" }, "ERR_ISSUER_UNKNOWN"],
  ["for a pattern", { scope: { ...scope, resources: ["https://*"] } }, "ERR_GRANT_SCOPE"],
])("a wish %s is none: its owner could not allow it", async (_what, change, code) => {
  expect((await propose(change)).body.code).toBe(code);
  expect((await ask(agent, change)).body).not.toHaveProperty("proposal");
  expect(await mine()).toEqual([]);
});

test("a wish for the broker's own name is none", async () => {
  const own = { scope: { ...scope, resources: [broker.url.replace("http:", "https:")] } };
  expect((await propose(own)).body.code).toBe("ERR_GRANT_AUDIENCE");
});

test("the same wish is one proposal, asked for or proposed, and each other wish another", async () => {
  const first = (await propose()).body.id;
  expect((await ask(agent)).body.proposal).toBe(first);
  expect((await propose({ units: 1 })).body.id).toBe(first);
  const many = await Promise.all(Array.from({ length: 16 }, () => propose({ ttl: 301 })));
  const ids = new Set(many.map(({ body }) => body.id));
  expect(ids.size).toBe(1);
  expect(ids).not.toContain(first);
  expect((await propose({ units: 2 })).body.id).not.toBe(first);
  expect(await mine()).toHaveLength(3);
});

test("a declined wish is not put again, and no refusal carries it", async () => {
  const { id } = (await propose()).body;
  expect((await decline(id)).status).toBe(204);
  expect(await mine()).toEqual([]);
  expect((await propose()).body).toMatchObject({ id, status: "declined" });
  expect((await ask(agent)).body).not.toHaveProperty("proposal");
  expect(await accept(id)).toMatchObject({ status: 404, body: { code: "ERR_GRANT_NOT_FOUND" } });
  expect((await decline(id)).status).toBe(404);
});

test("the person chooses the limits of what is accepted", async () => {
  const { id } = (await propose()).body;
  const made = await accept(id, { scope, constraints: { max_ttl: 60, max_uses: 1 } });
  expect(made.body).toMatchObject({ scope, constraints: { max_ttl: 60, max_uses: 1 } });
});

test("five minutes after a sign-in a proposal is read and declined, and not accepted", async () => {
  const [one, other] = [(await propose()).body.id, (await propose({ ttl: 301 })).body.id];
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
  expect((await accept(one)).body).toMatchObject({ status: 401, code: "ERR_SESSION_NOT_FRESH" });
  expect((await decline(other)).status).toBe(204);
  expect((await mine()).map(({ id }) => id)).toEqual([one]);
});

test("a proposal waits a day, over a restart, and is then like one that never was", async () => {
  const { id } = (await propose()).body;
  await broker.restart();
  expect((await mine()).map((one) => one.id)).toEqual([id]);
  const now = Date.now();
  const pass = (seconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: now + seconds * 1000 });
  pass(86_390);
  person.take((await signIn(person, wallet)).body);
  expect((await mine()).map((one) => one.id)).toEqual([id]);
  pass(86_401);
  expect(await mine()).toEqual([]);
  expect((await accept(id)).body).toMatchObject({ status: 404, code: "ERR_GRANT_NOT_FOUND" });
});
