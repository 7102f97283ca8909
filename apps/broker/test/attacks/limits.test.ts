// Every limit is enforced before anything expensive is done, by whose request it is, and says what it is: 429.
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultLimits } from "../../src/http/limits.ts";
import { ask, Caller, claim, grant, openBroker, pair, type Answer, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";

// An out-of-band method that would send a message, and counts how often it was asked to.
install(
  "auth-courier",
  `export default { kind: "auth", name: "courier", apiVersion: 1, capabilities: ["out_of_band"], identityTypes: ["badge"], config, async create() {
  let id = 0;
  return { ...life,
    start: async () => ({ id: "challenge-" + String(++id).padStart(16, "0"), expiresAt: Date.now() + 60000, public: { asked: id } }),
    finish: async () => { throw new Error("never"); },
    page: async () => ({ kind: "message", outcome: "ok", title: "Hello", text: "Hello" }) };
} };`,
);

const low = { sign_ins: 3, messages: 2, failures: 4, codes: 2, reads: 3, calls: 40, refusals: 2 } as const;
let broker: TestBroker;
let person: Caller;
let claimCode: string;

beforeAll(async () => {
  // The test plays the proxy, so that each test has an address of its own.
  broker = await openBroker(`trusted_proxies = ["127.0.0.0/8"]
[auth]
methods = ["walletsig", "courier"]
[auth.courier]
plugin = "@acme/auth-courier"
[accounts]
sign_up = "open"
[limits]
${Object.entries(low)
  .map(([name, value]) => `${name} = ${value}`)
  .join("\n")}
`);
  claimCode = broker.claimCode();
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

let next = 0;
const from = (address: string) => ({ "x-forwarded-for": address });
const post = async (path: string, body: unknown, headers: Record<string, string>) => {
  const response = await fetch(broker.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() } as Answer;
};
const start = (address: string, body?: Record<string, unknown>) =>
  post("/v1/auth/walletsig/start", body ?? { address: "0x", chain_id: 1 }, from(address));
const badToken = (address: string) =>
  post("/v1/credentials", {}, { authorization: "DPoP a.b.c", dpop: "x", ...from(address) });

function expectLimited(answer: Answer): void {
  expect(answer).toMatchObject({ status: 429, body: { code: "ERR_REQUEST_RATE_LIMITED", retry: "later" } });
  const wait = Number(answer.headers.get("retry-after"));
  expect(wait).toBeGreaterThan(0);
  expect(answer.body.retry_after).toBe(wait);
  // A rate limit that looks like a refused proof makes clients throw good credentials away.
  expect(answer.headers.get("www-authenticate")).toBeNull();
}

test("every key of [limits] has its test here", () => {
  expect(Object.keys(low).toSorted()).toEqual(Object.keys(defaultLimits).toSorted());
});

test("sign_ins: the fourth start of a minute is turned away, of this method and address alone", async () => {
  for (let at = 0; at < 3; at += 1) expect((await start("192.0.2.1")).status).toBe(400);
  expectLimited(await start("192.0.2.1"));
  expect((await start("192.0.2.2")).status).toBe(400);
  expect((await post("/v1/auth/none/start", {}, from("192.0.2.1"))).status).toBe(404);
});

test("made-up methods share one count, so that a new name is no new budget", async () => {
  const answers = [];
  for (let at = 0; at < 4; at += 1) answers.push(await post(`/v1/auth/none${at}/start`, {}, from("192.0.2.3")));
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 429]);
});

test("sign_ins count pairings as well", async () => {
  const agent = await Caller.open(broker.url);
  const pairing = () =>
    agent.call(
      "POST",
      "/oauth/device_authorization",
      new URLSearchParams({ client_id: "agentkeys" }),
      from("192.0.2.4"),
    );
  // The first call is two requests: it is asked for a nonce.
  expect([(await pairing()).status, (await pairing()).status]).toEqual([200, 200]);
  expectLimited(await pairing());
});

test("an address is an IPv6 /64, and IPv4 however it is written", async () => {
  for (const address of ["2001:db8::1", "2001:DB8:0:0:ffff::2", "2001:0db8:0:0:1:2:3:4"])
    expect((await start(address)).status).toBe(400);
  expectLimited(await start("2001:db8::dead:beef"));
  expect((await start("2001:db8:0:1::1")).status).toBe(400);
  for (const address of ["198.51.100.1", "::ffff:198.51.100.1", "::ffff:c633:6401"])
    expect((await start(address)).status).toBe(400);
  expectLimited(await start("198.51.100.1"));
});

test("messages: the third start that sends one is turned away before the plug-in is asked", async () => {
  const caller = await Caller.open(broker.url);
  await caller.call("GET", "/v1/account");
  const send = () => caller.once("POST", "/v1/auth/courier/start", {}, from("192.0.2.5"));
  expect([(await send()).body.asked, (await send()).body.asked]).toEqual([1, 2]);
  expectLimited(await send());
  const other = await caller.once("POST", "/v1/auth/courier/start", {}, from("192.0.2.6"));
  expect(other.body.asked).toBe(3);
});

test("failures: the fifth bad token is turned away unread, and so is a good proof from there", async () => {
  for (let at = 0; at < 4; at += 1) expect((await badToken("192.0.2.7")).body.code).toBe("ERR_REQUEST_MALFORMED");
  const bad = () => post("/v1/grants/explain", {}, { authorization: "DPoP a.b.c", dpop: "x", ...from("192.0.2.7") });
  for (let at = 0; at < 4; at += 1)
    expect(await bad()).toMatchObject({ status: 401, body: { code: "ERR_SESSION_TOKEN" } });
  expectLimited(await bad());
  const stranger = await Caller.open(broker.url);
  expectLimited(await stranger.once("POST", "/v1/auth/poll", { poll_token: "x".repeat(43) }, from("192.0.2.7")));
  expect((await fetch(`${broker.url}/healthz`, { headers: from("192.0.2.7") })).status).toBe(200);
});

test.each([
  ["/v1/auth/poll", { poll_token: "x".repeat(43) }],
  ["/v1/auth/walletsig/finish", { challenge_id: "x".repeat(43) }],
  ["/oauth/token", new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x" })],
  [
    "/oauth/token",
    new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: "x",
      client_id: "agentkeys",
    }),
  ],
  ["/oauth/revoke", new URLSearchParams({ token: "x" })],
  ["/oauth/introspect", new URLSearchParams({ token: "x" })],
  ["/oauth/device_authorization", new URLSearchParams({ client_id: "stranger" })],
])("guesses at %s are few, though each has a proof that holds", async (path, body) => {
  const stranger = await Caller.open(broker.url);
  await stranger.call("GET", "/v1/account");
  const address = `203.0.113.${(next += 1)}`;
  const statuses = [];
  for (let at = 0; at < 6; at += 1) statuses.push((await stranger.once("POST", path, body, from(address))).status);
  expect(statuses.at(-1)).toBe(429);
  expect(statuses[0]).not.toBe(429);
});

test("an agent goes on where another one at its address sends bad tokens, and no number of successes is too many", async () => {
  const { agent, id } = await pair(broker, person, from("192.0.2.20"));
  await grant(person, id);
  const key = () => ({ "idempotency-key": crypto.randomUUID(), ...from("192.0.2.8") });
  const mint = () =>
    agent.call(
      "POST",
      "/v1/credentials",
      { issuer: "oidc", scope: { actions: ["token"], resources: ["https://api.example.com"] }, ttl: 60 },
      key(),
    );
  for (let at = 0; at < 12; at += 1) expect((await mint()).status).toBe(200);
  const bad = () => post("/v1/grants/explain", {}, { authorization: "DPoP a.b.c", dpop: "x", ...from("192.0.2.8") });
  for (let at = 0; at < 5; at += 1) await bad();
  expectLimited(await bad());
  expect((await mint()).status).toBe(200);
  // Its own bad proofs end that.
  for (let at = 0; at < 5; at += 1)
    await post("/v1/grants/explain", {}, { authorization: `DPoP ${agent.token}`, dpop: "x", ...from("192.0.2.8") });
  expectLimited(await mint());
});

test("codes: after two wrong codes the right one is turned away too, from there", async () => {
  const body = (code: string) => ({ address: Wallet.createRandom().address, chain_id: 1, claim_code: code });
  for (let at = 0; at < 2; at += 1)
    expect((await start("192.0.2.9", body("0".repeat(26)))).body.code).toBe("ERR_AUTH_INVITE");
  expectLimited(await start("192.0.2.9", body(claimCode)));
});

test("reads: what anyone may have of the log and of pages is limited together", async () => {
  const known = await (await fetch(`${broker.url}/.well-known/agentkeys`, { headers: from("192.0.2.10") })).json();
  const id = (known as { log: { log_id: string } }).log.log_id;
  const paths = [
    `/v1/audit/logs/${id}/checkpoint`,
    "/v1/audit/lag",
    "/auth/courier/x",
    `/v1/audit/logs/${id}/tile/0/000`,
  ];
  const statuses = [];
  for (const path of paths) statuses.push((await fetch(broker.url + path, { headers: from("192.0.2.10") })).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
});

test("calls: a person's calls are counted by account, whichever address and session they come from", async () => {
  const wallet = Wallet.createRandom();
  const [one, two] = [await Caller.open(broker.url), await Caller.open(broker.url)];
  one.take(
    (await one.call("POST", "/v1/auth/walletsig/finish", await signed(one, wallet, "192.0.2.11"), from("192.0.2.11")))
      .body,
  );
  two.take(
    (await two.call("POST", "/v1/auth/walletsig/finish", await signed(two, wallet, "192.0.2.12"), from("192.0.2.12")))
      .body,
  );
  let served = 0;
  for (let at = 0; at < 41; at += 1) {
    const answer = await (at % 2 === 0 ? one : two).call("GET", "/v1/account", undefined, from(`192.0.2.${100 + at}`));
    if (answer.status === 200) served += 1;
    else expectLimited(answer);
  }
  expect(served).toBe(40);
});

async function signed(
  caller: Caller,
  wallet: { address: string; signMessage(text: string): Promise<string> },
  address: string,
) {
  const { body } = await caller.call(
    "POST",
    "/v1/auth/walletsig/start",
    { address: wallet.address, chain_id: 1 },
    from(address),
  );
  return { challenge_id: body.challenge_id, message: body.message, signature: await wallet.signMessage(body.message) };
}

test("calls: what an agent asks about its grants is counted by agent, and what a person asks about one by account", async () => {
  const { agent, id } = await pair(broker, person, from("192.0.2.31"));
  const question = { issuer: "oidc", scope: { actions: ["token"], resources: ["https://api.example.com"] }, ttl: 1 };
  const explain = (by: Caller, more = {}) => by.call("POST", "/v1/grants/explain", { ...question, ...more });
  for (let at = 0; at < 20; at += 1) {
    expect((await explain(agent)).status).toBe(200);
    expect((await agent.call("GET", "/v1/grants/mine")).status).toBe(200);
  }
  expectLimited(await explain(agent));
  expectLimited(await agent.call("GET", "/v1/grants/mine"));
  const other = await Caller.open(broker.url);
  const answer = await signed(other, Wallet.createRandom(), "192.0.2.32");
  other.take((await other.call("POST", "/v1/auth/walletsig/finish", answer, from("192.0.2.32"))).body);
  for (let at = 0; at < 40; at += 1) expect((await explain(other, { agent: id })).status).toBe(404);
  expectLimited(await explain(other, { agent: id }));
});

test("refusals: the third refused ask of an agent is not even recorded", async () => {
  const { agent } = await pair(broker, person, from("192.0.2.21"));
  const denied = () => ask(agent, { scope: { actions: ["token"], resources: ["https://other.example"] } });
  expect([(await denied()).status, (await denied()).status]).toEqual([403, 403]);
  expectLimited(await denied());
});

test("a poll token is polled three times as often as told at most, and that spends nobody else's", async () => {
  const caller = await Caller.open(broker.url);
  const started = await caller.call("POST", "/v1/auth/courier/start", {}, from("192.0.2.13"));
  const poll = () => caller.once("POST", "/v1/auth/poll", { poll_token: started.body.poll_token }, from("192.0.2.13"));
  for (let at = 0; at < 90; at += 1) expect((await poll()).status).toBe(202);
  expectLimited(await poll());
});

test("a made-up poll token is no count of its own, so that no number of them makes the polls of others share one", async () => {
  const made = { poll_token: "a-token-that-nobody-has" };
  const answers = [];
  for (let at = 0; at < 91; at += 1) answers.push(await post("/v1/auth/poll", made, from("192.0.2.30")));
  expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(["ERR_SESSION_DPOP"]));
});

test("a source address that the client made up is not believed where no proxy is trusted", async () => {
  const plain = await openBroker("[limits]\nsign_ins = 2\n");
  try {
    const statuses = [];
    for (let at = 0; at < 3; at += 1) {
      const made = { "x-forwarded-for": `192.0.2.${at}`, forwarded: `for=192.0.2.${at}`, "x-real-ip": `192.0.2.${at}` };
      const response = await fetch(`${plain.url}/v1/auth/walletsig/start`, {
        method: "POST",
        headers: { "content-type": "application/json", ...made },
        body: "{}",
      });
      statuses.push(response.status);
    }
    expect(statuses).toEqual([400, 400, 429]);
  } finally {
    await plain.close();
  }
});

test("behind a trusted proxy, what the client wrote left of it is not believed, and the person sees the true address", async () => {
  const agent = await Caller.open(broker.url);
  const started = await agent.call(
    "POST",
    "/oauth/device_authorization",
    new URLSearchParams({ client_id: "agentkeys" }),
    from("10.0.0.1, 127.0.0.1, 192.0.2.77"),
  );
  const seen = await person.call("POST", "/v1/pairings/view", { user_code: started.body.user_code });
  expect(seen.body.address).toBe("192.0.2.77");
});
