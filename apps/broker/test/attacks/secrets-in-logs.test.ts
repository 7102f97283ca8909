// Everything secret that goes over the wire in a whole run, looked for in everything that was logged, at the most talkative level.
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startMailServer, type MailServer } from "../../../../packages/auth-email/test/support/mail-server.ts";
import {
  ask,
  Caller,
  claim,
  freePort,
  grant,
  openBroker,
  pair,
  poll,
  signIn,
  startPairing,
  type TestBroker,
} from "../flows/harness.ts";
import { install } from "../flows/install.ts";
import { emailTable, lastToken, postLink } from "../flows/mail.ts";

// A plug-in that logs and throws what it was given.
install(
  "auth-gossip",
  `export default { kind: "auth", name: "gossip", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["badge"], config, async create(_, host) {
  let id = 0;
  return { ...life,
    start: async (ask) => { host.log("warn", "asked", { ask }); return { id: "challenge-" + String(++id).padStart(16, "0"), expiresAt: Date.now() + 60000, public: {} }; },
    finish: async (answer) => { host.log("error", "told", { text: JSON.stringify(answer) }); host.metric("told", 1); throw new Error("bad " + JSON.stringify(answer)); } };
} };`,
);

let broker: TestBroker;
let mails: MailServer;
let metricsPort: number;
const secrets = new Set<string>();
const routes = new Set<string>();
let requests = 0;

// What is secret by its name in any body, and every header that carries power.
const secretMembers =
  /^(access_token|refresh_token|token|device_code|user_code|poll_token|claim_code|signature|value|salt|password)$/u;

function collect(json: unknown): void {
  if (typeof json !== "object" || json === null) return;
  for (const [name, item] of Object.entries(json)) {
    if (typeof item === "string" && secretMembers.test(name) && item.length >= 8) secrets.add(item);
    collect(item);
  }
}

function collectBody(text: string): void {
  try {
    collect(JSON.parse(text));
  } catch {
    collect(Object.fromEntries(new URLSearchParams(text)));
  }
}

const plainFetch = globalThis.fetch;

beforeAll(async () => {
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    const proof = headers.get("dpop");
    if (proof !== null) for (const text of [proof, proof.split(".")[2] ?? proof]) secrets.add(text);
    const token = headers.get("authorization")?.split(" ")[1];
    if (token !== undefined) secrets.add(token);
    if (typeof init.body === "string" || init.body instanceof URLSearchParams) collectBody(String(init.body));
    const response = await plainFetch(url, init);
    requests += 1;
    routes.add(`${init.method ?? "GET"} ${new URL(url).pathname}`);
    const text = await response.text();
    collectBody(text);
    return new Response(response.status === 204 ? null : text, { status: response.status, headers: response.headers });
  });
  mails = await startMailServer();
  metricsPort = await freePort();
  broker = await openBroker(`[log]
level = "debug"
[metrics]
listen = "127.0.0.1:${metricsPort}"
[accounts]
sign_up = "open"
[auth]
methods = ["walletsig", "email", "gossip"]
[auth.gossip]
plugin = "@acme/auth-gossip"
${emailTable(mails)}`);
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await broker.close();
  await mails.close();
});

const log = (): string => broker.lines.filter((line) => !line.startsWith("claim code: ")).join("");

test("of a whole run no token, proof, signature, code or credential stands in the log or in the metrics", async () => {
  secrets.add(broker.claimCode());
  const { caller: person, wallet, account } = await claim(broker);
  const { agent, id } = await pair(broker, person);
  await grant(person, id);
  const minted = await ask(agent);
  expect(minted.status).toBe(200);
  await ask(agent, { scope: { actions: ["token"], resources: ["https://other.example"] } });
  await refreshAndRevoke(agent);
  await signInByMail();
  await wrongAnswers(person, wallet);
  await ask(agent);
  const pairing = await startPairing(await Caller.open(broker.url));
  await person.call("POST", "/v1/pairings/view", { user_code: pairing.body.user_code });
  await person.call("POST", "/v1/pairings/deny", { user_code: pairing.body.user_code });
  await poll(agent, String(pairing.body.device_code));
  await person.call("GET", `/v1/audit/receipts/${(await person.call("GET", "/v1/audit/records")).body.records[0].id}`);
  await person.call("GET", `/v1/nothing/${agent.token}?token=${agent.token}`);

  const metrics = await (await plainFetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(secrets.size).toBeGreaterThan(80);
  expect(routes.size).toBeGreaterThan(18);
  for (const secret of secrets) {
    expect(log()).not.toContain(secret);
    expect(metrics).not.toContain(secret);
  }
  // Nor do metrics say who: each label is of a small, known set.
  for (const who of [account, id, wallet.address.toLowerCase(), "127.0.0.1", "req_"])
    expect(metrics).not.toContain(who);
  expect(metrics).toMatch(
    /agentkeys_http_requests_total\{method="POST",route="\/v1\/credentials",status="200",code="ok"\} 1\n/u,
  );
  expect(metrics).toMatch(
    /agentkeys_http_requests_total\{method="GET",route="none",status="404",code="ERR_REQUEST_NOT_FOUND"\} 1\n/u,
  );
  expect(metrics).toMatch(/agentkeys_step_seconds_count\{step="record"\} 1\n/u);
  expect(metrics).toMatch(
    /agentkeys_plugin_call_seconds_count\{plugin="audit\(sqlite\)",method="append",outcome="ok"\} [1-9]/u,
  );
  expect(metrics).toMatch(/agentkeys_plugin_measurements_total\{plugin="auth\.gossip",name="told"\} 1\n/u);
  expect(metrics).toMatch(/agentkeys_log_size [1-9]/u);
  expect(metrics).toMatch(/process_resident_memory_bytes [1-9]/u);
});

async function refreshAndRevoke(agent: Caller): Promise<void> {
  const form = (token?: string) => new URLSearchParams({ grant_type: "refresh_token", refresh_token: token ?? "" });
  const spent = agent.refreshToken;
  const access = agent.token;
  agent.token = undefined;
  const renewed = await agent.call("POST", "/oauth/token", form(spent));
  expect(renewed.status).toBe(200);
  await agent.call("POST", "/oauth/introspect", new URLSearchParams({ token: access ?? "" }));
  // The answer may have been lost once; a refresh token used a third time ends the session.
  expect((await agent.call("POST", "/oauth/token", form(spent))).status).toBe(200);
  expect((await agent.call("POST", "/oauth/token", form(spent))).status).toBe(400);
  await agent.call("POST", "/oauth/revoke", new URLSearchParams({ token: access ?? "" }));
  agent.take(renewed.body);
}

async function signInByMail(): Promise<void> {
  const caller = await Caller.open(broker.url);
  const started = await caller.call("POST", "/v1/auth/email/start", { email: "ada@example.com" });
  const token = lastToken(broker, mails);
  expect(token).not.toBe("");
  secrets.add(token);
  await postLink(broker, { token, user_code: "0000-0000" });
  await postLink(broker, { token, user_code: String(started.body.user_code) });
  expect((await caller.call("POST", "/v1/auth/poll", { poll_token: started.body.poll_token })).status).toBe(200);
}

async function wrongAnswers(person: Caller, wallet: { signMessage(text: string): Promise<string> }): Promise<void> {
  const caller = await Caller.open(broker.url);
  const gossip = await caller.call("POST", "/v1/auth/gossip/start", { password: "correct horse battery staple" });
  const signature = await wallet.signMessage("anything");
  const told = { challenge_id: gossip.body.challenge_id, signature, token: person.token };
  expect((await caller.call("POST", "/v1/auth/gossip/finish", told)).body.code).toBe("ERR_PLUGIN_FAILED");
  expect((await signIn(caller, Wallet.createRandom(), "0123456789abcdefghjkmnpqrs")).body.code).toBe("ERR_AUTH_INVITE");
}

test("every request has its line, with the route's template and no path", () => {
  const lines = log()
    .split("\n")
    .filter((line) => line.includes('"http.request"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(requests);
  expect(lines).toContainEqual(
    expect.objectContaining({ level: "debug", method: "POST", route: "/v1/credentials", status: 200 }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ level: "info", route: "/v1/credentials", status: 403, code: "ERR_GRANT_DENIED" }),
  );
  expect(lines.map(({ route }) => route)).not.toContainEqual(expect.stringContaining("nothing"));
});
