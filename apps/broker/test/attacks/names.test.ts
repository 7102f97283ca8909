// Names a client makes up: the Host header, forwarding headers. What the broker says of itself never comes from them.
import { request } from "node:http";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Caller, claim, grant, openBroker, pair, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";

// An issuer that takes its time, to fill the broker with.
install(
  "issuer-busy",
  `import { setTimeout } from "node:timers/promises";
export default { kind: "issuer", name: "busy", apiVersion: 1, capabilities: ["local"], config, async create() {
  return { ...life, parseScope: (text) => JSON.parse(text), identityToken: () => undefined,
    issue: async (order) => { await setTimeout(700); return { id: order.credentialId, type: "key", value: "v", expiresAt: order.expiresAt }; } };
} };`,
);

let broker: TestBroker;
beforeAll(async () => {
  broker = await openBroker(`hosts = ["broker.internal", "broker.internal:9000"]
[issuer]
names = ["busy"]
[issuer.busy]
plugin = "@acme/issuer-busy"
[[rights]]
who = { role = "operator" }
issuer = "busy"
scope = { actions = ["token"], resources = ["x"] }
max_ttl = "1h"
[limits]
requests = 4
connections = 40
`);
});
afterAll(() => broker.close());

function get(path: string, headers: Record<string, string>): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    request(broker.url + path, { headers, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (part: Buffer) => (text += part.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
    })
      .on("error", reject)
      .end();
  });
}

test.each([
  "evil.example",
  "127.0.0.1.evil.example",
  "broker.internal.evil.example",
  "broker.internal:9001",
  "evil.example:8787",
])("a name that somebody led here (%s) is served nothing, on any path", async (host) => {
  for (const path of ["/healthz", "/readyz", "/v1/account", "/.well-known/agentkeys", "/openapi.json", "/pair"]) {
    const { status, text } = await get(path, { host });
    expect(status).toBe(421);
    expect(JSON.parse(text)).toMatchObject({ code: "ERR_REQUEST_HOST" });
  }
});

test("the names configured are served, and everything the broker says of itself is its public URL all the same", async () => {
  const made = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-original-url": "/v1/account",
    forwarded: "host=evil.example",
  };
  for (const host of ["broker.internal", "BROKER.internal:9000"])
    for (const path of ["agentkeys", "openid-configuration", "oauth-authorization-server"]) {
      const { status, text } = await get(`/.well-known/${path}`, { host, ...made });
      expect(status).toBe(200);
      expect(text).toContain(broker.url);
      expect(text).not.toMatch(/evil\.example|broker\.internal/u);
    }
  const response = await fetch(`${broker.url}/v1/auth/walletsig/start`, {
    method: "POST",
    headers: { "content-type": "application/json", ...made },
    body: JSON.stringify({ address: Wallet.createRandom().address, chain_id: 1 }),
  });
  expect(await response.text()).toContain(`URI: ${broker.url}`);
});

test("more requests at once than are worked on get a code at once, and probes an answer", async () => {
  const { caller: person } = await claim(broker);
  const { agent, id } = await pair(broker, person);
  const scope = { actions: ["token"], resources: ["x"] };
  expect((await grant(person, id, { issuer: "busy", scope })).status).toBe(201);
  const callers = Array.from({ length: 8 }, () => ask(agent, { issuer: "busy", scope }));
  const answers = await Promise.all(callers);
  const probe = await fetch(`${broker.url}/readyz`);
  expect(probe.status).toBe(200);
  const codes = answers.map(({ status, body }) => (status === 200 ? "ok" : String(body.code)));
  expect(codes.filter((code) => code === "ok")).toHaveLength(4);
  expect(codes.filter((code) => code === "ERR_REQUEST_OVERLOADED")).toHaveLength(4);
  expect((await ask(agent, { issuer: "busy", scope })).status).toBe(200);
});

test("more connections than an address has a share of are not kept", async () => {
  const callers = await Promise.allSettled(
    Array.from({ length: 20 }, () => get("/readyz", { host: "broker.internal", connection: "keep-alive" })),
  );
  expect(callers.some(({ status }) => status === "rejected")).toBe(true);
  expect(callers.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(4);
});

test("a fresh caller is served after all that", async () => {
  const caller = await Caller.open(broker.url);
  await expect.poll(async () => (await caller.call("GET", "/v1/account").catch(() => undefined))?.status).toBe(401);
});
