import { formatVkey } from "@agentkeys/log";
import { afterEach, beforeEach, expect, it } from "vitest";
import { formatProfile, importKey, makeKey, pairAgent, parseProfile, type PairingOptions } from "../src/index.ts";
import { heldClock, type HeldClock } from "./held-clock.ts";
import { descriptionOf, problem, startTestBroker, tokens, type Answered, type TestBroker } from "./test-broker.ts";
import { createTestLog } from "./test-log.ts";

const invitation = { user_code: "WDJB-MJHT", verification_uri: "http://127.0.0.1/pair", expires_in: 600, interval: 5 };
let broker: TestBroker;
let clock: HeldClock;
let polls: Answered[];
beforeEach(async () => {
  broker = await startTestBroker();
  clock = heldClock();
  polls = [];
  broker.routes.set("POST /oauth/device_authorization", () => ({
    status: 200,
    body: { ...invitation, device_code: "device-1" },
  }));
  broker.routes.set("POST /oauth/token", () => polls.shift() ?? problem(400, "ERR_SESSION_PENDING"));
});
afterEach(async () => broker.close());

const pair = async (more: Partial<PairingOptions> = {}) =>
  pairAgent({ broker: `${broker.url}/`, clientName: "report", onUserCode: () => {}, clock, ...more });
const pending = problem(400, "ERR_SESSION_PENDING", { error: "authorization_pending" });

it("an agent is paired when the person approves, by its own key all the way, with the log's key pinned", async () => {
  polls.push(pending, tokens({ agent: "agt_1" }));
  const key = await makeKey("EdDSA");
  const shown: unknown[] = [];
  const profile = await pair({ key, onUserCode: (one) => void shown.push(one) });
  expect(shown).toEqual([
    {
      userCode: "WDJB-MJHT",
      verificationUri: "http://127.0.0.1/pair",
      expiresAt: clock.now() - 10_000 + 600_000,
      keyThumbprint: key.thumbprint,
    },
  ]);
  expect(profile).toMatchObject({ broker: broker.url, clientId: "agentkeys", agent: "agt_1" });
  expect(profile.trust).toEqual({ log: broker.log.vkey, witnesses: [] });
  expect((await importKey(profile.key)).thumbprint).toBe(key.thumbprint);
  const [ask, ...asked] = broker.received.filter(({ path }) => path.startsWith("/oauth/"));
  expect(Object.fromEntries(new URLSearchParams(ask!.text))).toEqual({ client_id: "agentkeys", client_name: "report" });
  expect(Object.fromEntries(new URLSearchParams(asked[0]!.text))).toEqual({
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: "device-1",
    client_id: "agentkeys",
  });
  expect(new Set([ask, ...asked].map((one) => one!.thumbprint))).toEqual(new Set([key.thumbprint]));
});

// RFC 8628 section 3.5.
it("polling keeps the interval, and each slow_down adds five seconds that stay", async () => {
  polls.push(pending, problem(400, "ERR_SESSION_SLOW_DOWN"), pending, tokens({ agent: "agt_1" }));
  await pair();
  expect(clock.waits).toEqual([5000, 5000, 10_000, 10_000]);
});

it("without an interval polling waits five seconds", async () => {
  const { interval: _, ...without } = invitation;
  broker.routes.set("POST /oauth/device_authorization", () => ({
    status: 200,
    body: { ...without, device_code: "device-1" },
  }));
  polls.push(tokens({ agent: "agt_1" }));
  await pair();
  expect(clock.waits).toEqual([5000]);
});

it("a fault of the network while waiting is waited out, more slowly", async () => {
  polls.push({ status: 503, body: "busy" }, pending, tokens({ agent: "agt_1" }));
  expect((await pair()).agent).toBe("agt_1");
  expect(clock.waits).toEqual([5000, 10_000, 10_000]);
});

it.each([
  ["denied", "ERR_SESSION_DENIED"],
  ["expired", "ERR_SESSION_EXPIRED"],
  ["used already", "ERR_SESSION_GRANT"],
] as const)("a pairing that is %s ends with the broker's code", async (_, code) => {
  polls.push(pending, problem(400, code));
  await expect(pair()).rejects.toMatchObject({ code });
});

it("a pairing that nobody decides ends when its code expires", async () => {
  await expect(pair()).rejects.toMatchObject({ code: "ERR_SESSION_EXPIRED" });
  expect(clock.waits).toHaveLength(120);
});

it("the caller can stop waiting", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped");
  await expect(pair({ signal: stop.signal, onUserCode: () => stop.abort(reason) })).rejects.toBe(reason);
});

it("a broker that says it is another one is not paired with", async () => {
  broker.routes.set("GET /.well-known/agentkeys", () => ({
    status: 200,
    body: { ...descriptionOf(broker), public_url: "https://keys.example" },
  }));
  await expect(pair()).rejects.toMatchObject({
    code: "ERR_AUTH_BROKER",
    facts: { expected: broker.url, found: "https://keys.example" },
  });
  expect(broker.count("/oauth/device_authorization")).toBe(0);
});

it.each([
  ["of another origin", (): string => createTestLog("keys.test/audit/0123abcd/2").vkey],
  ["of a witness", (): string => broker.log.witnessVkey],
  ["a witness's under the log's name", (): string => formatVkey(broker.log.origin, 4, new Uint8Array(32).fill(7))],
  ["not a key", (): string => "keys"],
])("a log key that is %s is not pinned", async (_, vkey) => {
  const told = descriptionOf(broker);
  broker.routes.set("GET /.well-known/agentkeys", () => ({
    status: 200,
    body: { ...told, log: { ...(told["log"] as object), vkey: vkey() } },
  }));
  await expect(pair()).rejects.toMatchObject({ code: "ERR_REQUEST_ANSWER" });
});

it("a log key from elsewhere is pinned in place of the broker's own word", async () => {
  polls.push(tokens({ agent: "agt_1" }));
  const { vkey } = createTestLog();
  const profile = await pair({ logVkey: vkey, witnesses: [broker.log.witnessVkey] });
  expect(profile.trust).toEqual({ log: vkey, witnesses: [broker.log.witnessVkey] });
  expect(broker.count("/.well-known/agentkeys")).toBe(0);
});

it("a profile is the same after being written and read", async () => {
  polls.push(tokens({ agent: "agt_1" }));
  const profile = await pair({ witnesses: [broker.log.witnessVkey] });
  expect(parseProfile(formatProfile(profile))).toEqual(profile);
});

it.each([
  ["no JSON", () => "{"],
  ["another version", (text: string) => text.replace('"version": 1', '"version": 2')],
  ["an unknown member", (text: string) => text.replace('"version"', '"extra": 1, "version"')],
  ["no session", (text: string) => text.replace('"session"', '"sessions"')],
  ["a log key that is none", (text: string) => text.replace(/"log": "[^"]+"/u, '"log": "keys"')],
])("a profile with %s is refused", async (_, damage) => {
  polls.push(tokens({ agent: "agt_1" }));
  const text = damage(formatProfile(await pair()));
  expect(() => parseProfile(text)).toThrow(expect.objectContaining({ code: "ERR_CONFIG_PROFILE" }));
});
