// What a stranger sends to the listener by hand: every answer is a coded problem, and the process goes on.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Caller, claim, openBroker, pair, signIn, startPairing, type TestBroker } from "../flows/harness.ts";
import { Wallet } from "ethers";

let broker: TestBroker;
let person: Caller;
let port: number;
beforeAll(async () => {
  broker = await openBroker('[accounts]\nsign_up = "open"\n');
  port = Number(new URL(broker.url).port);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

// The port is known only when the broker runs, after the requests below are written.
const host = "{host}";

/** What comes back on the wire for these bytes, until the far side closes or stays silent. */
function send(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(bytes.replaceAll(host, `127.0.0.1:${port}`), "latin1"),
    );
    let answer = "";
    socket.setTimeout(1500, () => socket.destroy());
    socket.on("data", (part: Buffer) => {
      answer += part.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

const statusOf = (answer: string): number => Number(answer.split(" ")[1]);
const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nhost: ${host}\r\n${more}connection: close\r\n\r\n`;

test.each([
  ["no HTTP at all", "\u0000\u0001\u0002\r\n\r\n"],
  ["a header without a colon", get("/", "broken\r\n")],
  ["headers beyond every limit", get("/", `x: ${"a".repeat(17_000)}\r\n`)],
  ["both lengths", get("/", "content-length: 3\r\ntransfer-encoding: chunked\r\n")],
  ["two lengths", get("/", "content-length: 3\r\ncontent-length: 4\r\n")],
  ["a negative length", get("/", "content-length: -1\r\n")],
  ["an invalid escape in the path", get("/v1/sessions/%zz")],
  ["an escape that is no UTF-8", get("/auth/%ff/%c0%ae")],
  ["a path of two slashes", get("//evil.example/v1/account")],
  ["a path that climbs", get("/assets/../../../etc/passwd")],
  ["an invalid query", get("/v1/audit/records?limit=%")],
  ["no Host at all", "GET /healthz HTTP/1.0\r\n\r\n"],
  ["two Hosts", get("/healthz", "host: evil.example\r\n")],
  ["another Host", "GET /healthz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"],
  ["a Host that is no name", "GET /healthz HTTP/1.1\r\nhost: a b@c/d\r\nconnection: close\r\n\r\n"],
  ["an absolute target of another host", get("http://evil.example/healthz").replace(host, "evil.example")],
  ["a token of another scheme", get("/v1/account", "authorization: Bearer x\r\n")],
  ["two Authorizations", get("/v1/account", "authorization: DPoP x\r\nauthorization: DPoP y\r\n")],
  ["two proofs", get("/v1/account", "authorization: DPoP x\r\ndpop: a\r\ndpop: b\r\n")],
])("%s is refused as the caller's mistake", async (_, bytes) => {
  const status = statusOf(await send(bytes));
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
});

test.each(["OPTIONS", "TRACE", "PUT", "PATCH", "PROPFIND"])("%s is served nowhere", async (method) => {
  for (const path of ["/v1/credentials", "/oauth/token", "/v1/account"]) {
    const answer = await send(get(path).replace("GET", method));
    expect(statusOf(answer)).toBe(405);
    expect(answer.toLowerCase()).not.toContain("access-control-allow");
  }
});

test("HEAD answers no body and changes nothing", async () => {
  const answer = await send(get("/healthz").replace("GET", "HEAD"));
  expect(statusOf(answer)).toBe(200);
  expect(answer.split("\r\n\r\n")[1]).toBe("");
});

test.each([
  ["__proto__", '{"__proto__":{"role":"operator"},"user_code":"x"}'],
  ["constructor", '{"constructor":{"prototype":{"role":"operator"}},"user_code":"x"}'],
  ["a member twice", '{"user_code":"x","user_code":"y"}'],
  ["depth", `{"user_code":${"[".repeat(5000)}${"]".repeat(5000)}}`],
])("a body with %s is malformed and changes no object of the process", async (_, text) => {
  const stranger = await Caller.open(broker.url);
  await stranger.call("GET", "/v1/account");
  const headers = { "content-type": "application/json", dpop: await stranger.proof("POST", "/v1/auth/poll") };
  const first = await fetch(`${broker.url}/v1/auth/poll`, { method: "POST", headers, body: text });
  const nonce = first.headers.get("dpop-nonce") ?? "";
  const again = { ...headers, dpop: await stranger.proof("POST", "/v1/auth/poll", { nonce }) };
  const answer = await fetch(`${broker.url}/v1/auth/poll`, { method: "POST", headers: again, body: text });
  expect(((await answer.json()) as { code: string }).code).toBe("ERR_REQUEST_MALFORMED");
  expect(({} as Record<string, unknown>)["role"]).toBeUndefined();
});

test.each(["__proto__", "constructor", "toString", "..", "poll"])("there is no sign-in method %s", async (name) => {
  const caller = await Caller.open(broker.url);
  const answer = await caller.call("POST", `/v1/auth/${encodeURIComponent(name)}/start`, {});
  expect([404, 405]).toContain(answer.status);
});

test("a client name that is markup is shown as what it is, and one with a line end is refused", async () => {
  const agent = await Caller.open(broker.url);
  const markup = "<img src=x onerror=alert(1)>";
  const started = await startPairing(agent, markup);
  const seen = await person.call("POST", "/v1/pairings/view", { user_code: started.body.user_code });
  expect(seen.body.client_name).toBe(markup);
  expect(seen.headers.get("content-type")).toContain("application/json");
  expect((await startPairing(agent, "a\r\nset-cookie: b")).body.code).toBe("ERR_REQUEST_MALFORMED");
});

test("a problem is never markup, and never echoes a token", async () => {
  const answer = await fetch(`${broker.url}/<script>alert(1)</script>`, { headers: { authorization: "DPoP secret" } });
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(await answer.text()).not.toContain("secret");
});

test("an agent approves nothing, neither itself nor another", async () => {
  const { agent } = await pair(broker, person);
  const other = await startPairing(await Caller.open(broker.url));
  for (const way of ["view", "approve", "deny"]) {
    const answer = await agent.call("POST", `/v1/pairings/${way}`, { user_code: other.body.user_code });
    expect(answer.body.code).toBe("ERR_SESSION_CALLER");
  }
});

test("five wrong user codes close the door for the account, also for the right code", async () => {
  const stranger = await Caller.open(broker.url);
  stranger.take((await signIn(stranger, Wallet.createRandom())).body);
  const started = await startPairing(await Caller.open(broker.url));
  for (let at = 0; at < 5; at += 1) await stranger.call("POST", "/v1/pairings/view", { user_code: `0000-000${at}` });
  const answer = await stranger.call("POST", "/v1/pairings/approve", { user_code: started.body.user_code });
  expect(answer.body).toMatchObject({ status: 429, code: "ERR_REQUEST_RATE_LIMITED" });
  expect((await person.call("POST", "/v1/pairings/view", { user_code: started.body.user_code })).status).toBe(200);
});

test("of four approvals of one code at once, one makes an agent", async () => {
  const before = (await person.call("GET", "/v1/agents")).body.agents.length as number;
  const started = await startPairing(await Caller.open(broker.url));
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => person.call("POST", "/v1/pairings/approve", { user_code: started.body.user_code })),
  );
  expect(answers.filter((one) => one.status === 201)).toHaveLength(1);
  expect((await person.call("GET", "/v1/agents")).body.agents).toHaveLength(before + 1);
});

test("another account sees and ends nothing of the first one's", async () => {
  const { id } = await pair(broker, person);
  const granted = await person.call("POST", "/v1/grants", {
    agent: id,
    issuer: "oidc",
    scope: { actions: ["token"], resources: ["https://api.example.com"] },
  });
  const [session] = (await person.call("GET", "/v1/sessions")).body.sessions as { id: string }[];
  const [record] = (await person.call("GET", "/v1/audit/records")).body.records as { id: string }[];
  const other = await Caller.open(broker.url);
  other.take((await signIn(other, Wallet.createRandom())).body);
  expect((await other.call("GET", `/v1/grants?agent=${id}`)).body.grants).toEqual([]);
  expect((await other.call("GET", "/v1/agents")).body.agents).toEqual([]);
  expect((await other.call("GET", `/v1/audit/receipts/${record?.id ?? ""}`)).status).toBe(404);
  expect((await other.call("DELETE", `/v1/agents/${id}`)).body.code).toBe("ERR_GRANT_NOT_FOUND");
  expect((await other.call("DELETE", `/v1/grants/${granted.body.id as string}`)).body.code).toBe("ERR_GRANT_NOT_FOUND");
  expect((await other.call("DELETE", `/v1/sessions/${session?.id ?? ""}`)).status).toBe(404);
  const scope = { actions: ["token"], resources: ["https://api.example.com"] };
  const explained = await other.call("POST", "/v1/grants/explain", { agent: id, issuer: "oidc", scope, ttl: 60 });
  expect(explained.body.code).toBe("ERR_GRANT_NOT_FOUND");
  const theirs = await other.call("POST", "/v1/grants", { agent: id, issuer: "oidc", scope });
  expect(["ERR_GRANT_NOT_FOUND", "ERR_GRANT_EXCEEDS_RIGHTS"]).toContain(theirs.body.code);
});

test("of two claims at once with the right code, one becomes the operator", async () => {
  const fresh = await openBroker();
  try {
    const code = fresh.claimCode();
    const callers = await Promise.all(Array.from({ length: 4 }, () => Caller.open(fresh.url)));
    const answers = await Promise.all(callers.map((one) => signIn(one, Wallet.createRandom(), code)));
    expect(answers.filter((one) => one.status === 200)).toHaveLength(1);
    expect(answers.filter((one) => one.body.code === "ERR_AUTH_CLAIM_CODE")).toHaveLength(3);
  } finally {
    await fresh.close();
  }
});

test("after all that the process serves on", async () => {
  expect((await fetch(`${broker.url}/healthz`)).status).toBe(200);
  expect((await person.call("GET", "/v1/account")).status).toBe(200);
  expect(broker.lines.filter((line) => line.includes("fatal"))).toEqual([]);
});
