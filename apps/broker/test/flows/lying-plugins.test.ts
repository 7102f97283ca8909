// Plug-ins that break their contracts: the facade says so, and nothing is released, bound or let in.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Caller, claim, grant, openBroker, pair, type TestBroker } from "./harness.ts";

const modules = join(import.meta.dirname, "../../.agentkeys-test/node_modules/@acme");
const shape = `const config = { "~standard": { version: 1, vendor: "acme", validate: (value) => ({ value }) } };
const life = { ready: async () => ({ status: "ready" }), close: async () => undefined };`;

function install(name: string, source: string) {
  mkdirSync(join(modules, name), { recursive: true });
  writeFileSync(
    join(modules, name, "package.json"),
    JSON.stringify({
      name: `@acme/${name}`,
      version: "1.0.0",
      type: "module",
      exports: { ".": { default: "./index.js" } },
    }),
  );
  writeFileSync(join(modules, name, "index.js"), `${shape}\n${source}`);
}

// An auth method that proves whatever its answer tells it to, and an issuer that answers as the asked audience's path says.
install(
  "auth-liar",
  `export default { kind: "auth", name: "liar", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["badge"], config, async create() {
  let id = 0;
  return { ...life,
    start: async ({ lie }) => ({ id: lie === "short" ? "x" : "challenge-" + String(++id).padStart(16, "0"), expiresAt: lie === "over" ? 1 : Date.now() + 60000, public: lie === "token" ? { poll_token: "mine" } : {} }),
    finish: async ({ challenge_id, lie }) => {
      if (lie === "throw") throw new Error("the secret is 42");
      return { challengeId: challenge_id, identity: { type: lie === "type" ? "evm" : "badge", value: lie === "value" ? "" : "ada" }, amr: lie === "amr" ? undefined : ["badge"] };
    } };
} };`,
);
install(
  "issuer-liar",
  `export default { kind: "issuer", name: "liar", apiVersion: 1, capabilities: ["local"], config, async create() {
  return { ...life,
    parseScope: (text) => text.includes("wide") ? { actions: ["token"], resources: ["everything"] } : JSON.parse(text),
    identityToken: () => undefined,
    issue: async (order) => {
      const [lie] = order.scope.resources;
      if (lie === "throw") throw new Error("the secret is 42");
      return { id: lie === "id" ? "another" : order.credentialId, type: "key", value: lie === "nothing" ? undefined : "s3cret", expiresAt: lie === "late" ? order.expiresAt + 1 : order.expiresAt };
    } };
} };`,
);

let broker: TestBroker;
let person: Caller;
beforeAll(async () => {
  broker = await openBroker(`[auth]
methods = ["walletsig", "liar"]
[auth.liar]
plugin = "@acme/auth-liar"
[issuer]
names = ["oidc", "liar"]
[issuer.liar]
plugin = "@acme/issuer-liar"
[[rights]]
who = { role = "operator" }
issuer = "liar"
scope = { actions = ["token"], resources = ["id", "late", "nothing", "throw", "true", "wide", "everything"] }
max_ttl = "1h"
`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

test.each(["short", "over", "token"])("a challenge that is %s starts nothing", async (lie) => {
  const caller = await Caller.open(broker.url);
  const answer = await caller.call("POST", "/v1/auth/liar/start", { lie });
  expect(answer.body).toMatchObject({ status: 502, code: "ERR_PLUGIN_CONTRACT" });
});

test.each([
  ["type", "ERR_PLUGIN_CONTRACT"],
  ["value", "ERR_PLUGIN_CONTRACT"],
  ["amr", "ERR_PLUGIN_CONTRACT"],
  ["throw", "ERR_PLUGIN_FAILED"],
])("a proof that lies about its %s lets nobody in", async (lie, code) => {
  const caller = await Caller.open(broker.url);
  const start = await caller.call("POST", "/v1/auth/liar/start", {});
  const answer = await caller.call("POST", "/v1/auth/liar/finish", { challenge_id: start.body.challenge_id, lie });
  expect(answer.body).toMatchObject({ status: 502, code });
  expect(JSON.stringify(answer.body)).not.toContain("secret is 42");
});

test("an answer to another method's challenge lets nobody in", async () => {
  const caller = await Caller.open(broker.url);
  const start = await caller.call("POST", "/v1/auth/liar/start", {});
  const answer = await caller.call("POST", "/v1/auth/walletsig/finish", {
    challenge_id: start.body.challenge_id,
    message: "",
    signature: "0x",
  });
  expect(answer.body.code).toBe("ERR_AUTH_CHALLENGE");
});

test.each([
  ["id", "ERR_PLUGIN_CONTRACT"],
  ["late", "ERR_PLUGIN_CONTRACT"],
  ["nothing", "ERR_PLUGIN_CONTRACT"],
  ["throw", "ERR_PLUGIN_FAILED"],
])(
  "a credential with a false %s is not released; its failure is recorded under the first record, and a retry hears the same",
  async (lie, code) => {
    const { agent, id } = await pair(broker, person);
    const scope = { actions: ["token"], resources: [lie] };
    expect((await grant(person, id, { issuer: "liar", scope })).status).toBe(201);
    const key = `key-${lie}-0123456789`;
    const first = await ask(agent, { issuer: "liar", scope }, key);
    expect(first.body).toMatchObject({ status: 502, code });
    expect(JSON.stringify(first.body)).not.toContain("s3cret");
    expect((await ask(agent, { issuer: "liar", scope }, key)).body).toMatchObject({ status: 502, code });
    const [failed, issued] = (await person.call("GET", "/v1/audit/records")).body.records as {
      outcome: string;
      parent?: string;
      id: string;
      code?: string;
    }[];
    expect(failed).toMatchObject({ outcome: "error", code, parent: issued!.id });
    expect(broker.lines.join("")).not.toContain("s3cret");
  },
);

test("an issuer that widens a scope grants nothing", async () => {
  const { id } = await pair(broker, person);
  const answer = await grant(person, id, { issuer: "liar", scope: { actions: ["token"], resources: ["wide"] } });
  expect(answer.body.code).toBe("ERR_PLUGIN_CONTRACT");
});
