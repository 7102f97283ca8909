// Third-party plug-ins that lie, throw, hang or answer what is no plain value, each in a real broker: contained, nothing released.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Caller, claim, grant, openBroker, pair, type TestBroker } from "../flows/harness.ts";

const modules = join(import.meta.dirname, "../../.agentkeys-test/node_modules/@mallory");

function install(name: string, source: string): void {
  mkdirSync(join(modules, name), { recursive: true });
  const manifest = { name: `@mallory/${name}`, version: "1.0.0", type: "module", exports: { default: "./index.js" } };
  writeFileSync(join(modules, name, "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(modules, name, "index.js"),
    `const config = { "~standard": { version: 1, vendor: "mallory", validate: (value) => ({ value }) } };
const life = { ready: async () => ({ status: "fine" }), close: async () => undefined };
const trap = () => { throw new Error("trapped"); };
const proxy = new Proxy({}, { get: (_, key) => (key === "then" ? undefined : trap()), has: trap, ownKeys: trap, getPrototypeOf: trap });
const coded = (code, facts) => Object.freeze(Object.defineProperty(Object.assign(new Error("no"), { code, facts }), Symbol.for("agentkeys.error"), { value: true }));
${source}`,
  );
}

install(
  "auth",
  `let count = 0;
const challenge = () => ({ id: "challenge-" + String(++count).padStart(16, "0"), expiresAt: Date.now() + 60000, public: {} });
const starts = {
  null: () => null, proxy: () => proxy, throwsProxy: () => { throw proxy; }, throwsNull: () => { throw null; },
  nan: () => ({ ...challenge(), expiresAt: NaN }), half: () => ({ ...challenge(), expiresAt: Date.now() + 6000.5 }),
  noPublic: () => ({ ...challenge(), public: null }), bigint: () => ({ ...challenge(), public: { n: 1n } }),
  same: () => ({ ...challenge(), id: "always-the-same-challenge" }),
  frozen: () => { throw coded("ERR_AUTH_PROOF", {}); }, unknown: () => { throw coded("ERR_TO_COME", {}); },
  circular: () => { throw coded("ERR_REQUEST_MALFORMED", { issues: 1n }); },
};
const finishes = {
  null: () => null, proxy: () => proxy, noIdentity: (id) => ({ challengeId: id, identity: null, amr: ["x"] }),
  number: (id) => ({ challengeId: id, identity: { type: "badge", value: 7 }, amr: ["x"] }),
  other: () => ({ challengeId: "challenge-0000000000000001", identity: { type: "badge", value: "ada" }, amr: ["x"] }),
  prototype: (id) => ({ challengeId: id, identity: { type: "__proto__", value: "ada" }, amr: ["x"] }),
  twoFaced: (id) => ({ challengeId: id, amr: ["x"], identity: { type: "badge", reads: 0, get value() { return this.reads++ === 0 ? "ada" : "\\u0000root"; } } }),
};
export default { kind: "auth", name: "mallory", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["badge"], config, create: async () => ({ ...life,
  start: async ({ lie }) => (starts[lie] ?? challenge)(),
  finish: async ({ challenge_id, lie }) => finishes[lie](challenge_id),
}) };`,
);
install(
  "pages",
  `const raw = Object.assign(new String("<script>alert(1)</script>"), { isEscaped: true });
const message = { kind: "message", outcome: "ok", title: "t", text: "<b onmouseover=alert(1)>" };
const pages = {
  message, raw: { ...message, title: raw }, kind: { kind: "html", title: "t", text: "t" }, null: null, proxy,
  insecure: { kind: "redirect", url: "http://evil.example" }, script: { kind: "redirect", url: "javascript:alert(1)" },
  split: { kind: "redirect", url: "https://evil.example\\r\\nset-cookie: a=b" },
  action: { kind: "form", title: "t", text: "t", fields: [], submit: "s", action: "../../v1/account" },
};
export default { kind: "auth", name: "pages", apiVersion: 1, capabilities: ["out_of_band"], identityTypes: ["badge"], config, create: async () => ({ ...life,
  start: async () => null, finish: async () => null, page: async ({ path }) => pages[path],
}) };`,
);
install(
  "issuer",
  `const lies = {
  hang: () => new Promise(() => {}), null: () => null, proxy: () => proxy,
  nan: (good) => ({ ...good, expiresAt: NaN }), ancient: (good) => ({ ...good, expiresAt: -9007199254740991 }),
  bigint: (good) => ({ ...good, value: 1n }), code: (good) => ({ ...good, value: () => "s3cret" }),
  twoFaced: (good) => ({ ...good, reads: 0, get expiresAt() { return this.reads++ === 0 ? good.expiresAt : good.expiresAt + 1e6; } }),
  throwsProxy: () => { throw proxy; },
};
export default { kind: "issuer", name: "mallory", apiVersion: 1, capabilities: ["local"], config, create: async () => ({ ...life,
  parseScope: (text) => text.includes("noscope") ? undefined : text.includes("empty") ? { actions: [], resources: [] } : JSON.parse(text),
  identityToken: (scope) => ({ "t-null": null, "t-hs": { audience: "https://a.example", algorithm: "none" }, "t-proxy": proxy })[scope.resources[0]],
  issue: async (order) => lies[order.scope.resources[0]]({ id: order.credentialId, type: "key", value: "s3cret", expiresAt: order.expiresAt }),
}) };`,
);
install(
  "wallet",
  `export default { kind: "wallet", name: "mallory", apiVersion: 1, capabilities: [], config, create: async () => { let lie = "none"; return { ...life,
  start: async (account, ask) => { lie = ask.lie; return { id: "challenge-0000000000000001", expiresAt: Date.now() + 60000, public: {} }; },
  provision: async () => ({ null: null, family: { address: "0x1", family: "btc", custody: "person" }, custody: { address: "0x" + "a".repeat(40), family: "evm", custody: "root" },
    address: { address: "<x>", family: "solana", custody: "person" }, proxy })[lie],
  lookup: async () => lie === "list" ? null : lie === "listProxy" ? [proxy] : [],
}; } };`,
);
install(
  "anchor",
  `let calls = 0;
const answers = [{ status: "weird" }, { status: "retry", afterMs: NaN, reason: "r" }];
export default { kind: "audit", name: "mallory", apiVersion: 1, capabilities: ["anchor"], config, manifest: { minIntervalMs: 1 }, create: async (_, host) => ({ ...life,
  publish: async () => { host.log("warn", "called"); return answers[calls++ % answers.length]; },
  head: async () => undefined, refresh: async (one) => one, verifyOnline: async () => true,
}) };`,
);

let broker: TestBroker;
let person: Caller;
const lies = ["hang", "null", "proxy", "nan", "ancient", "bigint", "code", "throwsProxy"];
const shapes = ["t-null", "t-hs", "t-proxy"];
beforeAll(async () => {
  broker = await openBroker(`[auth]
methods = ["walletsig", "mallory", "pages"]
[auth.mallory]
plugin = "@mallory/auth"
[auth.pages]
plugin = "@mallory/pages"
[wallet]
provisioner = "mallory"
[wallet.mallory]
plugin = "@mallory/wallet"
[audit]
anchors = ["mallory"]
[audit.mallory]
plugin = "@mallory/anchor"
[issuer]
names = ["oidc", "mallory"]
[issuer.mallory]
plugin = "@mallory/issuer"
[[rights]]
who = { role = "operator" }
issuer = "mallory"
scope = { actions = ["token"], resources = ${JSON.stringify([...lies, ...shapes, "twoFaced", "noscope", "empty"])} }
max_ttl = "1h"
`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

test.each(["null", "proxy", "nan", "half", "noPublic", "bigint"])(
  "an auth plug-in whose start answers %s broke its contract",
  async (lie) => {
    const answer = await (await Caller.open(broker.url)).call("POST", "/v1/auth/mallory/start", { lie });
    expect(answer.body).toMatchObject({ status: 502, code: "ERR_PLUGIN_CONTRACT" });
  },
);

test.each([
  ["throwsProxy", "ERR_PLUGIN_FAILED"],
  ["throwsNull", "ERR_PLUGIN_FAILED"],
  ["unknown", "ERR_PLUGIN_FAILED"],
  ["circular", "ERR_PLUGIN_FAILED"],
  ["frozen", "ERR_AUTH_PROOF"],
])("an auth plug-in whose start fails with %s is answered with %s", async (lie, code) => {
  const answer = await (await Caller.open(broker.url)).call("POST", "/v1/auth/mallory/start", { lie });
  expect(answer.body.code).toBe(code);
});

test("a challenge id that is given out twice starts one sign-in, and the store outlives it", async () => {
  const caller = await Caller.open(broker.url);
  const answers = [];
  for (let at = 0; at < 2; at += 1) answers.push(await caller.call("POST", "/v1/auth/mallory/start", { lie: "same" }));
  expect(answers.map((one) => one.status < 300)).toEqual([true, false]);
  expect((await person.call("GET", "/v1/account")).status).toBe(200);
});

test.each(["null", "proxy", "noIdentity", "number", "other", "prototype"])(
  "an auth plug-in whose finish answers %s lets nobody in",
  async (lie) => {
    const caller = await Caller.open(broker.url);
    const started = await caller.call("POST", "/v1/auth/mallory/start", {});
    const answer = await caller.call("POST", "/v1/auth/mallory/finish", {
      challenge_id: started.body.challenge_id,
      lie,
    });
    expect(answer.body.code).toBe(lie === "other" ? "ERR_AUTH_CHALLENGE" : "ERR_PLUGIN_CONTRACT");
  },
);

test("an identity that changes between two reads is the one that was checked", async () => {
  const caller = await Caller.open(broker.url);
  const started = await caller.call("POST", "/v1/auth/mallory/start", {});
  const answer = await caller.call("POST", "/v1/auth/mallory/finish", {
    challenge_id: started.body.challenge_id,
    lie: "twoFaced",
  });
  expect(answer.body.code).toBe("ERR_AUTH_SIGN_UP");
});

test.each(["raw", "kind", "null", "proxy", "insecure", "script", "split", "action"])(
  "a page that is %s is not rendered",
  async (page) => {
    const answer = await fetch(`${broker.url}/auth/pages/${page}`, { redirect: "manual" });
    expect(answer.status).toBe(502);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(await answer.text()).not.toContain("<script>");
  },
);

test("markup in a page's text is text", async () => {
  const answer = await fetch(`${broker.url}/auth/pages/message`);
  expect(await answer.text()).toContain("&lt;b onmouseover");
});

test.each(lies)(
  "an issuer whose answer is %s releases nothing, and a retry hears the same",
  { timeout: 15_000 },
  async (lie) => {
    const { agent, id } = await pair(broker, person);
    const scope = { actions: ["token"], resources: [lie] };
    expect((await grant(person, id, { issuer: "mallory", scope })).status).toBe(201);
    const key = `lie-${lie}-0123456789`;
    const first = await ask(agent, { issuer: "mallory", scope }, key);
    const codes: Record<string, string> = { hang: "ERR_PLUGIN_TIMEOUT", throwsProxy: "ERR_PLUGIN_FAILED" };
    expect(first.body.code).toBe(codes[lie] ?? "ERR_PLUGIN_CONTRACT");
    expect(JSON.stringify(first.body)).not.toContain("s3cret");
    expect((await ask(agent, { issuer: "mallory", scope }, key)).body.code).toBe(first.body.code);
  },
);

test("an expiry that changes between two reads is the one that was checked", async () => {
  const { agent, id } = await pair(broker, person);
  const scope = { actions: ["token"], resources: ["twoFaced"] };
  await grant(person, id, { issuer: "mallory", scope });
  const answer = await ask(agent, { issuer: "mallory", scope });
  expect(Date.parse(answer.body.credential.expires_at)).toBeLessThanOrEqual(Date.now() + 300_000);
});

test.each(shapes)("an issuer that asks for the identity token %s gets none", async (lie) => {
  const { agent, id } = await pair(broker, person);
  const scope = { actions: ["token"], resources: [lie] };
  expect((await grant(person, id, { issuer: "mallory", scope })).status).toBe(201);
  expect((await ask(agent, { issuer: "mallory", scope })).body.code).toBe("ERR_PLUGIN_CONTRACT");
});

test.each(["noscope", "empty"])("an issuer that reads a scope as %s grants nothing", async (lie) => {
  const { id } = await pair(broker, person);
  const answer = await grant(person, id, { issuer: "mallory", scope: { actions: ["token"], resources: [lie] } });
  expect(answer.body.code).toBe("ERR_PLUGIN_CONTRACT");
});

test.each(["null", "family", "custody", "address", "proxy"])(
  "a wallet plug-in whose handle is %s binds nothing",
  async (lie) => {
    await person.call("POST", "/v1/wallets/start", { lie });
    const answer = await person.call("POST", "/v1/wallets/finish", { challenge_id: "challenge-0000000000000001" });
    expect(answer.body.code).toBe("ERR_PLUGIN_CONTRACT");
  },
);

test.each(["list", "listProxy"])("a wallet plug-in whose look-up answers %s broke its contract", async (lie) => {
  await person.call("POST", "/v1/wallets/start", { lie });
  expect((await person.call("GET", "/v1/wallets")).body.code).toBe("ERR_PLUGIN_CONTRACT");
  await person.call("POST", "/v1/wallets/start", { lie: "none" });
});

test("an anchor whose answers mean nothing does not make the publish loop spin, and counts as nothing published", async () => {
  const calls = () => broker.lines.filter((line) => line.includes("audit.mallory.called")).length;
  const before = calls();
  await wait(1500);
  expect(calls() - before).toBeLessThan(5);
  const lag = (await (await fetch(`${broker.url}/v1/audit/lag`)).json()) as { anchors: { size: number }[] };
  expect(lag.anchors[0]?.size).toBe(0);
});

test("a plug-in that answers neither ready nor unready is not ready", async () => {
  const answer = await fetch(`${broker.url}/readyz`);
  expect(answer.status).toBe(503);
});

test.each([
  ["throws", "throw new Error('boom')", "ERR_PLUGIN_FAILED"],
  ["gives nothing", "return undefined", "ERR_PLUGIN_CONTRACT"],
  ["leaves out methods", "return { ...life, start() {} }", "ERR_PLUGIN_CONTRACT"],
])("a plug-in whose create %s refuses the boot by its name", async (name, body, code) => {
  const specifier = `create-${name.replaceAll(" ", "-")}`;
  install(
    specifier,
    `export default { kind: "auth", name: "x", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["x"], config, create: async () => { ${body} } };`,
  );
  await expect(
    openBroker(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@mallory/${specifier}"\n`),
  ).rejects.toMatchObject({ code, message: expect.stringContaining("auth(x): ") });
});

test("a plug-in that cannot close keeps nothing else open", async () => {
  install(
    "close",
    `export default { kind: "auth", name: "x", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["x"], config, create: async () => ({ ...life, start: trap, finish: trap, close: trap }) };`,
  );
  const other = await openBroker(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@mallory/close"\n`);
  await other.restart();
  await other.close();
  expect(other.lines.join("")).toContain("plugin.close_failed");
});

test("after all that the process serves on", async () => {
  expect((await fetch(`${broker.url}/healthz`)).status).toBe(200);
  expect(broker.lines.filter((line) => line.includes("fatal"))).toEqual([]);
});
