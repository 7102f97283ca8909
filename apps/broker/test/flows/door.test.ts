// What strangers send: the door answers with a code and loses nothing.
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Caller, openBroker, type TestBroker } from "./harness.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await openBroker();
});
afterAll(() => broker.close());

async function send(path: string, init: RequestInit = {}) {
  const response = await fetch(broker.url + path, init);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}
const json = (body: string) => ({ method: "POST", body, headers: { "content-type": "application/json" } });

test("every refusal is a problem document with a code, a request id and a next step", async () => {
  const { status, headers, body } = await send("/v1/account");
  expect(status).toBe(401);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(headers.get("www-authenticate")).toMatch(/^DPoP .*error="invalid_token"/u);
  expect(headers.get("x-request-id")).toBe(body["request_id"]);
  expect(body).toMatchObject({ code: "ERR_SESSION_TOKEN", status: 401, retry: "never" });
  expect(body["next_step"]).toMatch(/\.$/u);
});

test.each([
  ["not JSON", json("{"), 400, "ERR_REQUEST_MALFORMED"],
  ["a list", json("[]"), 400, "ERR_REQUEST_MALFORMED"],
  ["a member twice", json('{"address":"a","address":"b"}'), 400, "ERR_REQUEST_MALFORMED"],
  ["too large", json(`{"address":"${"a".repeat(70_000)}"}`), 413, "ERR_REQUEST_BODY_TOO_LARGE"],
  [
    "another media type",
    { method: "POST", body: "{}", headers: { "content-type": "text/plain" } },
    415,
    "ERR_REQUEST_MEDIA_TYPE",
  ],
])("a body that is %s is refused", async (_, init, status, code) => {
  const answer = await send("/v1/auth/walletsig/start", init);
  expect(answer).toMatchObject({ status, body: { code } });
});

test("an unknown path is 404, an unknown method of a known path 405 with what is allowed, an unknown sign-in method 404", async () => {
  expect(await send("/v1/nothing")).toMatchObject({ status: 404, body: { code: "ERR_REQUEST_NOT_FOUND" } });
  const wrong = await send("/v1/credentials");
  expect(wrong).toMatchObject({ status: 405, body: { code: "ERR_REQUEST_METHOD" } });
  expect(wrong.headers.get("allow")).toBe("POST");
  expect(await send("/v1/auth/telepathy/start", json("{}"))).toMatchObject({
    status: 404,
    body: { code: "ERR_AUTH_METHOD" },
  });
});

test("another name in the Host header is refused, so that a rebound DNS name reaches nothing", async () => {
  const { port } = new URL(broker.url);
  const status = await new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path: "/healthz", headers: { host: `evil.example:${port}` } }, (answer) =>
      resolve(answer.statusCode),
    )
      .on("error", reject)
      .end();
  });
  expect(status).toBe(421);
});

test("a proof without the server's nonce is asked for one, and given it", async () => {
  const caller = await Caller.open(broker.url);
  const first = await caller.once(
    "POST",
    "/oauth/device_authorization",
    new URLSearchParams({ client_id: "agentkeys" }),
  );
  expect(first).toMatchObject({ status: 400, body: { error: "use_dpop_nonce" } });
  expect(first.headers.get("dpop-nonce")).toBeTruthy();
  const none = await send("/oauth/device_authorization", {
    method: "POST",
    body: new URLSearchParams({ client_id: "agentkeys" }),
  });
  expect(none).toMatchObject({ status: 400, body: { error: "invalid_dpop_proof" } });
});

test("a stranger's flood is cut off with 429 and told how long to wait", async () => {
  const statuses = new Set<number>();
  let last: Awaited<ReturnType<typeof send>> | undefined;
  for (let at = 0; at < 80; at++) {
    last = await send("/v1/auth/walletsig/start", json('{"address":"x","chain_id":1}'));
    statuses.add(last.status);
  }
  expect(statuses).toEqual(new Set([400, 429]));
  expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("health, readiness and discovery answer anyone", async () => {
  expect(await send("/healthz")).toMatchObject({ status: 200, body: { status: "ok" } });
  expect(await send("/readyz")).toMatchObject({ status: 200, body: { status: "ready" } });
  expect((await send("/.well-known/openid-configuration")).body).toMatchObject({
    issuer: broker.url,
    jwks_uri: `${broker.url}/.well-known/jwks.json`,
  });
  const known = (await send("/.well-known/agentkeys")).body as { log: { log_id: string } };
  const checkpoint = await fetch(`${broker.url}/v1/audit/logs/${known.log.log_id}/checkpoint`);
  expect(await checkpoint.text()).toMatch(/^127\.0\.0\.1:\d+\/audit\/[0-9a-z]{8}\/1\n/u);
});
