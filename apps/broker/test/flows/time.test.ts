// What time takes away. The clock of broker and callers is moved; nothing sleeps.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ask, Caller, claim, grant, openBroker, pair, signIn, type TestBroker } from "./harness.ts";

let broker: TestBroker;
let person: Caller;
let wallet: Awaited<ReturnType<typeof claim>>["wallet"];

beforeAll(async () => {
  broker = await openBroker();
  ({ caller: person, wallet } = await claim(broker));
});
afterEach(() => void vi.useRealTimers());
afterAll(() => broker.close());

function pass(seconds: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + seconds * 1000 });
}

test("five minutes after a sign-in no power is given away, and a new sign-in gives it again", async () => {
  const { id } = await pair(broker, person);
  pass(301);
  const late = await grant(person, id);
  expect(late.body).toMatchObject({ status: 401, code: "ERR_SESSION_NOT_FRESH", facts: { max_age: 300 } });
  expect(late.headers.get("www-authenticate")).toMatch(/error="insufficient_user_authentication", max_age=300/u);
  expect((await person.call("GET", "/v1/grants")).status).toBe(200);
  const again = await Caller.open(broker.url);
  again.take((await signIn(again, wallet)).body);
  expect((await grant(again, id)).status).toBe(201);
  expect((await again.call("DELETE", `/v1/agents/${id}`)).status).toBe(204);
});

test("taking power away needs no fresh sign-in", async () => {
  const { id } = await pair(broker, person);
  pass(400);
  expect((await person.call("DELETE", `/v1/agents/${id}`)).status).toBe(204);
});

test("an access token lives ten minutes, and its refresh token goes on", async () => {
  pass(601);
  expect((await person.call("GET", "/v1/account")).body.code).toBe("ERR_SESSION_TOKEN");
  person.token = undefined;
  const answer = await person.call(
    "POST",
    "/oauth/token",
    new URLSearchParams({ grant_type: "refresh_token", refresh_token: person.refreshToken! }),
  );
  person.take(answer.body);
  vi.useRealTimers();
  expect((await person.call("GET", "/v1/account")).status).toBe(200);
});

test("an expired challenge is like one that never was", async () => {
  const caller = await Caller.open(broker.url);
  const start = await caller.call("POST", "/v1/auth/walletsig/start", { address: wallet.address, chain_id: 1 });
  const { challenge_id, message } = start.body as { challenge_id: string; message: string };
  const signature = await wallet.signMessage(message);
  pass(601);
  const late = await caller.call("POST", "/v1/auth/walletsig/finish", { challenge_id, message, signature });
  const never = await caller.call("POST", "/v1/auth/walletsig/finish", {
    challenge_id: "chl_00000000000000000000000000",
    message,
    signature,
  });
  expect(late.body).toMatchObject({ status: 401, code: "ERR_AUTH_CHALLENGE" });
  expect({ ...late.body, request_id: "", detail: "" }).toEqual({ ...never.body, request_id: "", detail: "" });
});

test("a grant serves from not_before until expires_at", async () => {
  const { agent, id } = await pair(broker, person);
  const at = (seconds: number) => `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;
  expect((await grant(person, id, { constraints: { not_before: at(100), expires_at: at(200) } })).status).toBe(201);
  expect((await ask(agent)).body.code).toBe("ERR_GRANT_DENIED");
  pass(150);
  expect((await ask(agent)).status).toBe(200);
  vi.useRealTimers();
  pass(250);
  expect((await ask(agent)).body.code).toBe("ERR_GRANT_DENIED");
});

test("a retry after the credential's end is told so instead of being given a dead one", async () => {
  const { agent, id } = await pair(broker, person);
  await grant(person, id);
  const key = "retry-after-the-end";
  expect((await ask(agent, { ttl: 30 }, key)).status).toBe(200);
  pass(31);
  expect((await ask(agent, { ttl: 30 }, key)).body).toMatchObject({ status: 409, code: "ERR_ISSUER_OUTCOME_UNKNOWN" });
});
