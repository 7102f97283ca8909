// Nothing is released unless the request is fresh, and signed by the key its session is bound to.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Caller, scope, type Answer } from "../../apps/broker/test/flows/harness.ts";
import { assertReleasesNothing, prepare, type Ground } from "./ground.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await prepare();
});
afterAll(() => ground.broker.close());

const path = "/v1/credentials";
const now = () => Math.floor(Date.now() / 1000);

/** The agent's ask under a proof of the test's own making. */
async function send(proof: string | undefined, key = randomUUID()): Promise<Pick<Answer, "status" | "body">> {
  const response = await fetch(ground.broker.url + path, {
    method: "POST",
    headers: {
      authorization: `DPoP ${ground.agent.token}`,
      "content-type": "application/json",
      "idempotency-key": key,
      ...(proof === undefined ? {} : { dpop: proof }),
    },
    body: JSON.stringify({ issuer: "oidc", scope, ttl: 300 }),
  });
  return { status: response.status, body: await response.json() };
}

const proof = (change: Record<string, unknown> = {}) => ground.agent.proof("POST", path, change);

test("but with a good proof it is, so that what follows is refused for what it changes", async () => {
  expect((await send(await proof())).status).toBe(200);
});

const changed: readonly (readonly [string, string, () => Record<string, unknown>])[] = [
  ["of another method", "ERR_SESSION_DPOP", () => ({ htm: "GET" })],
  ["of another path", "ERR_SESSION_DPOP", () => ({ htu: `${ground.broker.url}/v1/grants` })],
  ["of another host", "ERR_SESSION_DPOP", () => ({ htu: `https://evil.example${path}` })],
  ["of a longer path", "ERR_SESSION_DPOP", () => ({ htu: `${ground.broker.url}${path}/x` })],
  ["of another token", "ERR_SESSION_DPOP", () => ({ ath: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" })],
  ["of no token", "ERR_SESSION_DPOP", () => ({ ath: undefined })],
  ["made an hour ago", "ERR_SESSION_DPOP", () => ({ iat: now() - 3600 })],
  ["made in an hour", "ERR_SESSION_DPOP", () => ({ iat: now() + 3600 })],
  ["without a time", "ERR_SESSION_DPOP", () => ({ iat: undefined })],
  ["without an id", "ERR_SESSION_DPOP", () => ({ jti: undefined })],
  ["without a nonce", "ERR_SESSION_NONCE", () => ({ nonce: undefined })],
  ["with a nonce of nobody's", "ERR_SESSION_NONCE", () => ({ nonce: "0".repeat(22) })],
  ["with a part of the nonce", "ERR_SESSION_NONCE", () => ({ nonce: ground.agent.nonce!.slice(0, -1) })],
];

test.each(changed)("not with a proof %s", async (_, code, change) => {
  const made = await proof(change());
  await assertReleasesNothing(ground, code, () => send(made));
});

test("not without a proof, nor with two", async () => {
  await assertReleasesNothing(ground, "ERR_SESSION_DPOP", () => send(undefined));
  const two = `${await proof()}, ${await proof()}`;
  await assertReleasesNothing(ground, "ERR_SESSION_DPOP", () => send(two));
});

test("not with the proof of a request that was answered", async () => {
  const once = await proof();
  expect((await send(once)).status).toBe(200);
  await assertReleasesNothing(ground, "ERR_SESSION_DPOP", () => send(once));
});

test("not with the proof of another key", async () => {
  const thief = await Caller.open(ground.broker.url);
  thief.token = ground.agent.token;
  await assertReleasesNothing(ground, "ERR_SESSION_DPOP", () => ask(thief));
});

test("not under the Idempotency-Key of another request, nor without one", async () => {
  const key = randomUUID();
  expect((await ask(ground.agent, {}, key)).status).toBe(200);
  await assertReleasesNothing(ground, "ERR_REQUEST_IDEMPOTENCY_REUSED", () => ask(ground.agent, { ttl: 301 }, key));
  await assertReleasesNothing(ground, "ERR_REQUEST_IDEMPOTENCY_KEY", () =>
    ground.agent.call("POST", path, { issuer: "oidc", scope, ttl: 300 }),
  );
});

test("not with a proof and a nonce from before the broker was started again", async () => {
  const old = await proof();
  await ground.broker.restart();
  await assertReleasesNothing(ground, "ERR_SESSION_NONCE", () => send(old));
});
