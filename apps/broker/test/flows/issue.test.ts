import { randomUUID } from "node:crypto";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatScope } from "@agentkeys/core";
import { parseReceipt, parseVkey, verifyReceipt } from "@agentkeys/log";
import {
  ask,
  audience,
  claim,
  grant,
  openBroker,
  pair,
  scope,
  signIn,
  type Caller,
  type TestBroker,
} from "./harness.ts";
import { mostGrants } from "../../src/store/commands/grants.ts";

let broker: TestBroker;
let person: Caller;
let agent: Caller;
let agentId: string;
let wallet: Awaited<ReturnType<typeof claim>>["wallet"];

beforeAll(async () => {
  broker = await openBroker();
  ({ caller: person, wallet } = await claim(broker));
  ({ agent, id: agentId } = await pair(broker, person));
});
afterAll(() => broker.close());

async function logKey() {
  const known = (await (await fetch(`${broker.url}/.well-known/agentkeys`)).json()) as { log: { vkey: string } };
  return parseVkey(known.log.vkey);
}

test("an agent without a grant gets nothing, and the refusal is recorded with its code", async () => {
  const answer = await ask(agent);
  expect(answer.status).toBe(403);
  expect(answer.body).toMatchObject({ code: "ERR_GRANT_DENIED", facts: { layer: "grant" } });
  const records = await person.call("GET", "/v1/audit/records");
  expect(records.body["records"][0]).toMatchObject({
    type: "denied",
    outcome: "denied",
    code: "ERR_GRANT_DENIED",
    agent: agentId,
  });
});

test("a granted credential is a token any relying party verifies, under a receipt of its own", async () => {
  const made = await grant(person, agentId);
  expect(made.status).toBe(201);
  const answer = await ask(agent);
  expect(answer.status).toBe(200);
  const { credential, receipt } = answer.body as { credential: Record<string, string>; receipt: unknown };
  const keys = createRemoteJWKSet(new URL(`${broker.url}/.well-known/jwks.json`));
  const { payload, protectedHeader } = await jwtVerify(credential["value"]!, keys, {
    issuer: broker.url,
    audience,
    typ: "JWT",
    algorithms: ["ES256"],
  });
  expect(protectedHeader.typ).toBe("JWT");
  expect(payload).toMatchObject({
    sub: `agentkeys:agent:${agentId}`,
    jti: credential["id"],
    agentkeys: { agent: agentId, grant: made.body["id"] },
  });
  const verified = await verifyReceipt(
    parseReceipt(JSON.stringify(receipt)),
    { log: await logKey() },
    {
      agent: agentId,
      scope: formatScope(scope),
      credential: credential["id"]!,
      validity: [payload.iat!, payload.exp!],
    },
  );
  expect(verified.record.id).toBe((payload["agentkeys"] as { record: string }).record);
});

test("a retry with the same key is the same credential under the same record, and counts one use", async () => {
  const key = randomUUID();
  const first = await ask(agent, {}, key);
  const before = (await person.call("GET", "/v1/grants")).body["grants"][0].uses as number;
  const again = await ask(agent, {}, key);
  expect(again.status).toBe(200);
  expect(again.body["credential"].id).toBe(first.body["credential"].id);
  expect(again.body["credential"].expires_at).toBe(first.body["credential"].expires_at);
  expect(again.body["receipt"].entry).toBe(first.body["receipt"].entry);
  expect((await person.call("GET", "/v1/grants")).body["grants"][0].uses).toBe(before);
});

test("the same key with another body is refused, and so is none or a malformed one", async () => {
  const key = randomUUID();
  await ask(agent, {}, key);
  expect((await ask(agent, { ttl: 301 }, key)).body).toMatchObject({
    status: 422,
    code: "ERR_REQUEST_IDEMPOTENCY_REUSED",
  });
  expect((await agent.call("POST", "/v1/credentials", { issuer: "oidc", scope, ttl: 60 })).body).toMatchObject({
    status: 400,
    code: "ERR_REQUEST_IDEMPOTENCY_KEY",
  });
  expect((await ask(agent, {}, "short")).body["code"]).toBe("ERR_REQUEST_IDEMPOTENCY_KEY");
});

test("a scope wider than the grant, a longer life and an unknown issuer are refused by name", async () => {
  expect(
    (await ask(agent, { scope: { actions: ["token"], resources: ["https://other.example.com"] } })).body["code"],
  ).toBe("ERR_GRANT_DENIED");
  expect((await ask(agent, { ttl: 601 })).body).toMatchObject({ code: "ERR_GRANT_TTL", facts: { maximum: 600 } });
  expect((await ask(agent, { issuer: "aws" })).body["code"]).toBe("ERR_ISSUER_UNKNOWN");
  expect((await ask(agent, { scope: { actions: ["token"], resources: [broker.url] } })).body["code"]).toMatch(
    /ERR_GRANT_(AUDIENCE|DENIED)/u,
  );
  expect((await ask(agent, { ttl: 0 })).body["code"]).toBe("ERR_REQUEST_MALFORMED");
  expect((await ask(agent, { scope: { actions: ["token"], resources: [] } })).body["code"]).toBe("ERR_GRANT_SCOPE");
});

test("a grant may hold a pattern, and a credential is for one audience under it that is not the broker itself", async () => {
  const under = (path: string) => ({ actions: ["token"], resources: [path] });
  const { agent: other, id } = await pair(broker, person);
  expect((await grant(person, id, { scope: under("https://*") })).status).toBe(201);
  expect((await ask(other, { scope: under("https://tools.example.com/x") })).status).toBe(200);
  expect((await ask(other, { scope: under("https://tools.example.com/*") })).body["code"]).toBe("ERR_GRANT_SCOPE");
  const own = broker.url.replace("http:", "https:");
  expect((await ask(other, { scope: under(own) })).body["code"]).toBe("ERR_GRANT_AUDIENCE");
});

test("a grant of one use serves one of sixteen who ask at once", async () => {
  const resource = "https://once.example.com";
  const one = { actions: ["token"], resources: [resource] };
  await grant(person, agentId, { scope: one, constraints: { max_uses: 1 } });
  const answers = await Promise.all(Array.from({ length: 16 }, () => ask(agent, { scope: one })));
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  expect(new Set(answers.filter((answer) => answer.status !== 200).map((answer) => answer.body["code"]))).toEqual(
    new Set(["ERR_GRANT_USED_UP"]),
  );
});

test("two grants of one use serve two of sixteen who ask at once, and each refusal is recorded", async () => {
  const other = await pair(broker, person);
  const one = { actions: ["token"], resources: ["https://twice.example.com"] };
  for (const _ of [1, 2]) await grant(person, other.id, { scope: one, constraints: { max_uses: 1 } });
  await other.agent.call("GET", "/v1/grants/mine");
  const answers = await Promise.all(Array.from({ length: 16 }, () => ask(other.agent, { scope: one })));
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(2);
  const { body } = await person.call("GET", "/v1/audit/records?limit=20");
  const mine = (body["records"] as { agent?: string; code?: string }[]).filter((found) => found.agent === other.id);
  expect(mine.filter(({ code }) => code === "ERR_GRANT_USED_UP")).toHaveLength(14);
});

test("an agent holds 256 live grants at most, and another one when one ends", async () => {
  const other = await pair(broker, person);
  const made = await Promise.all(Array.from({ length: mostGrants + 1 }, async () => grant(person, other.id)));
  const refused = made.filter(({ status }) => status !== 201);
  expect(refused).toMatchObject([{ status: 403, body: { code: "ERR_GRANT_DENIED", facts: { layer: "agent" } } }]);
  const { id } = made.find(({ status }) => status === 201)!.body;
  expect((await person.call("DELETE", `/v1/grants/${id}`)).status).toBe(204);
  expect((await grant(person, other.id)).status).toBe(201);
});

test("a person's token mints nothing, and an agent's token reaches no person's route", async () => {
  expect((await ask(person)).body["code"]).toBe("ERR_SESSION_CALLER");
  for (const [method, path] of [
    ["GET", "/v1/account"],
    ["GET", "/v1/grants"],
    ["GET", "/v1/agents"],
    ["DELETE", `/v1/agents/${agentId}`],
    ["GET", "/v1/audit/records"],
  ] as const) {
    expect((await agent.call(method, path)).body["code"], path).toBe("ERR_SESSION_CALLER");
  }
});

test("a proof is good once, for its own method, URL and token", async () => {
  await agent.call("GET", "/v1/grants/mine");
  const proof = await agent.proof("GET", "/v1/grants/mine");
  const send = (path: string, method = "GET") =>
    fetch(broker.url + path, { method, headers: { dpop: proof, authorization: `DPoP ${agent.token}` } });
  expect((await send("/v1/grants/explain", "POST")).status).toBe(401);
  expect((await send("/v1/grants/mine")).status).toBe(200);
  const replayed = await send("/v1/grants/mine");
  expect(replayed.status).toBe(401);
  expect(await replayed.json()).toMatchObject({ code: "ERR_SESSION_DPOP" });
});

test("a revoked grant and a revoked agent serve nothing from the answer on", async () => {
  const { agent: other, id } = await pair(broker, person);
  const made = await grant(person, id);
  expect((await ask(other)).status).toBe(200);
  expect((await person.call("DELETE", `/v1/grants/${made.body["id"]}`)).status).toBe(204);
  expect((await ask(other)).body["code"]).toBe("ERR_GRANT_DENIED");
  expect((await person.call("DELETE", `/v1/agents/${id}`)).status).toBe(204);
  expect((await ask(other)).body["code"]).toBe("ERR_SESSION_TOKEN");
});

test("only its agent and its person see a receipt, and swapped receipts do not verify", async () => {
  const first = await ask(agent);
  const second = await ask(agent);
  const { agent: other } = await pair(broker, person);
  const record = (await person.call("GET", "/v1/audit/records?limit=200")).body["records"].find(
    (one: { credential?: string }) => one.credential === first.body["credential"].id,
  );
  expect((await agent.call("GET", `/v1/audit/receipts/${record.id}`)).status).toBe(200);
  expect((await person.call("GET", `/v1/audit/receipts/${record.id}`)).status).toBe(200);
  expect((await other.call("GET", `/v1/audit/receipts/${record.id}`)).status).toBe(404);
  const { credential } = first.body as { credential: { id: string; issued_at: string; expires_at: string } };
  const holder = {
    agent: agentId,
    scope: formatScope(scope),
    credential: credential.id,
    validity: [Date.parse(credential.issued_at) / 1000, Date.parse(credential.expires_at) / 1000] as const,
  };
  const log = await logKey();
  await expect(
    verifyReceipt(parseReceipt(JSON.stringify(first.body["receipt"])), { log }, holder),
  ).resolves.toBeDefined();
  await expect(
    verifyReceipt(parseReceipt(JSON.stringify(second.body["receipt"])), { log }, holder),
  ).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
});

test("everything outlives a restart: session, agent, grant, key, claim", async () => {
  const key = randomUUID();
  const first = await ask(agent, {}, key);
  await broker.restart();
  const again = await ask(agent, {}, key);
  expect(again.body["credential"].id).toBe(first.body["credential"].id);
  expect((await person.call("GET", "/v1/account")).body["role"]).toBe("operator");
  expect(() => broker.claimCode()).toThrow("ENOENT");
  expect((await signIn(person, wallet)).status).toBe(200);
});
