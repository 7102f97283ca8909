// Sign-in methods of others that lie, throw or answer what is no plain value, each in a real broker: nobody gets in.
import { afterAll, beforeAll, expect, test } from "vitest";
import { Caller, claim, openBroker, type Answer, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";
import { hostile } from "./hostile.ts";

install(
  "auth-liar",
  `${hostile}let count = 0;
const challenge = () => ({ id: "challenge-" + String(++count).padStart(16, "0"), expiresAt: Date.now() + 60000, public: {} });
const starts = {
  null: () => null, proxy: () => proxy, throwsProxy: () => { throw proxy; }, throwsNull: () => { throw null; },
  nan: () => ({ ...challenge(), expiresAt: NaN }), half: () => ({ ...challenge(), expiresAt: Date.now() + 6000.5 }),
  noPublic: () => ({ ...challenge(), public: null }), bigint: () => ({ ...challenge(), public: { n: 1n } }),
  same: () => ({ ...challenge(), id: "always-the-same-challenge" }),
  short: () => ({ ...challenge(), id: "x" }), over: () => ({ ...challenge(), expiresAt: 1 }),
  token: () => ({ ...challenge(), public: { poll_token: "mine" } }),
  frozen: () => { throw coded("ERR_AUTH_PROOF", {}); }, unknown: () => { throw coded("ERR_TO_COME", {}); },
  circular: () => { throw coded("ERR_REQUEST_MALFORMED", { issues: 1n }); },
};
const proof = (id, change) => ({ challengeId: id, identity: { type: "badge", value: "ada" }, amr: ["badge"], ...change });
const finishes = {
  null: () => null, proxy: () => proxy, noIdentity: (id) => ({ challengeId: id, identity: null, amr: ["x"] }),
  number: (id) => ({ challengeId: id, identity: { type: "badge", value: 7 }, amr: ["x"] }),
  other: () => ({ challengeId: "challenge-0000000000000001", identity: { type: "badge", value: "ada" }, amr: ["x"] }),
  type: (id) => proof(id, { identity: { type: "evm", value: "0x" + "1".repeat(40) } }), value: (id) => proof(id, { identity: { type: "badge", value: "" } }),
  amr: (id) => proof(id, { amr: undefined }), throw: () => { throw new Error("the secret is 42"); },
  prototype: (id) => ({ challengeId: id, identity: { type: "__proto__", value: "ada" }, amr: ["x"] }),
  twoFaced: (id) => ({ challengeId: id, amr: ["x"], identity: { type: "badge", reads: 0, get value() { return this.reads++ === 0 ? "ada" : "\\u0000root"; } } }),
};
export default { kind: "auth", name: "liar", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["badge"], config, create: async () => ({ ...life,
  start: async ({ lie }) => (starts[lie] ?? challenge)(),
  finish: async ({ challenge_id, lie }) => finishes[lie](challenge_id),
}) };`,
);
install(
  "auth-pages",
  `${hostile}const raw = Object.assign(new String("<script>alert(1)</script>"), { isEscaped: true });
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

let broker: TestBroker;
let person: Caller;
beforeAll(async () => {
  broker = await openBroker(`[auth]
methods = ["walletsig", "liar", "pages"]
[auth.liar]
plugin = "@acme/auth-liar"
[auth.pages]
plugin = "@acme/auth-pages"
`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

async function start(lie?: string): Promise<Answer> {
  return (await Caller.open(broker.url)).call("POST", "/v1/auth/liar/start", lie === undefined ? {} : { lie });
}

async function finish(lie: string): Promise<Answer> {
  const started = await start();
  const answer = { challenge_id: started.body.challenge_id, lie };
  return (await Caller.open(broker.url)).call("POST", "/v1/auth/liar/finish", answer);
}

test.each(["short", "over", "token", "null", "proxy", "nan", "half", "noPublic", "bigint"])(
  "a challenge that is %s starts nothing",
  async (lie) => {
    expect((await start(lie)).body).toMatchObject({ status: 502, code: "ERR_PLUGIN_CONTRACT" });
  },
);

test.each([
  ["throwsProxy", "ERR_PLUGIN_FAILED"],
  ["throwsNull", "ERR_PLUGIN_FAILED"],
  ["unknown", "ERR_PLUGIN_FAILED"],
  ["circular", "ERR_PLUGIN_FAILED"],
  ["frozen", "ERR_AUTH_PROOF"],
])("an auth plug-in whose start fails with %s is answered with %s", async (lie, code) => {
  expect((await start(lie)).body.code).toBe(code);
});

test("a challenge id that is given out twice starts one sign-in, and the store outlives it", async () => {
  const answers = [];
  for (let at = 0; at < 2; at += 1) answers.push(await start("same"));
  expect(answers.map((one) => one.status < 300)).toEqual([true, false]);
  expect((await person.call("GET", "/v1/account")).status).toBe(200);
});

const breaches = ["type", "value", "amr", "null", "proxy", "noIdentity", "number", "prototype"];
test.each([
  ...breaches.map((lie) => [lie, 502, "ERR_PLUGIN_CONTRACT"] as const),
  ["throw", 502, "ERR_PLUGIN_FAILED"] as const,
  ["other", 401, "ERR_AUTH_CHALLENGE"] as const,
])("a proof that lies with %s lets nobody in", async (lie, status, code) => {
  const answer = await finish(lie);
  expect(answer.body).toMatchObject({ status, code });
  expect(JSON.stringify(answer.body)).not.toContain("secret is 42");
});

test("an identity that changes between two reads is the one that was checked", async () => {
  expect((await finish("twoFaced")).body.code).toBe("ERR_AUTH_SIGN_UP");
});

test("an answer to another method's challenge lets nobody in", async () => {
  const caller = await Caller.open(broker.url);
  const answer = await caller.call("POST", "/v1/auth/walletsig/finish", {
    challenge_id: (await start()).body.challenge_id,
    message: "",
    signature: "0x",
  });
  expect(answer.body.code).toBe("ERR_AUTH_CHALLENGE");
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

test("after all that the process serves on", async () => {
  expect((await fetch(`${broker.url}/healthz`)).status).toBe(200);
  expect(broker.lines.filter((line) => line.includes("fatal"))).toEqual([]);
});
