// Issuers of others that lie, throw, hang or answer what is no plain value, each in a real broker: nothing is released.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, claim, grant, openBroker, pair, type Answer, type Caller, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";
import { hostile } from "./hostile.ts";

install(
  "issuer-liar",
  `${hostile}const lies = {
  id: (good) => ({ ...good, id: "another" }), late: (good) => ({ ...good, expiresAt: good.expiresAt + 1 }),
  nothing: (good) => ({ ...good, value: undefined }), throw: () => { throw new Error("the secret is 42"); },
  hang: () => new Promise(() => {}), null: () => null, proxy: () => proxy,
  nan: (good) => ({ ...good, expiresAt: NaN }), ancient: (good) => ({ ...good, expiresAt: -9007199254740991 }),
  bigint: (good) => ({ ...good, value: 1n }), code: (good) => ({ ...good, value: () => "s3cret" }),
  twoFaced: (good) => ({ ...good, reads: 0, get expiresAt() { return this.reads++ === 0 ? good.expiresAt : good.expiresAt + 1e6; } }),
  throwsProxy: () => { throw proxy; },
};
export default { kind: "issuer", name: "liar", apiVersion: 1, capabilities: ["local"], config, create: async () => ({ ...life,
  parseScope: (text) => text.includes("wide") ? { actions: ["token"], resources: ["everything"] } : text.includes("noscope") ? undefined : text.includes("empty") ? { actions: [], resources: [] } : JSON.parse(text),
  identityToken: (scope) => ({ "t-null": null, "t-hs": { audience: "https://a.example", algorithm: "none" }, "t-proxy": proxy })[scope.resources[0]],
  issue: async (order) => lies[order.scope.resources[0]]({ id: order.credentialId, type: "key", value: "s3cret", expiresAt: order.expiresAt }),
}) };`,
);
const lies = [
  ...["id", "late", "nothing", "null", "proxy", "nan", "ancient", "bigint", "code"].map(
    (lie) => [lie, 502, "ERR_PLUGIN_CONTRACT"] as const,
  ),
  ["throw", 502, "ERR_PLUGIN_FAILED"],
  ["throwsProxy", 502, "ERR_PLUGIN_FAILED"],
  ["hang", 504, "ERR_PLUGIN_TIMEOUT"],
] as const;
const tokens = ["t-null", "t-hs", "t-proxy"];
const readings = ["noscope", "empty", "wide"];

let broker: TestBroker;
let person: Caller;
beforeAll(async () => {
  const resources = [...lies.map(([lie]) => lie), ...tokens, ...readings, "twoFaced", "everything"];
  broker = await openBroker(`[issuer]
names = ["oidc", "liar"]
[issuer.liar]
plugin = "@acme/issuer-liar"
[[rights]]
who = { role = "operator" }
issuer = "liar"
scope = { actions = ["token"], resources = ${JSON.stringify(resources)} }
max_ttl = "1h"
`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

const scopeOf = (lie: string) => ({ actions: ["token"], resources: [lie] });

/** An agent's way to ask for that lie, again and again by the same key. */
async function askerOf(lie: string): Promise<() => Promise<Answer>> {
  const { agent, id } = await pair(broker, person);
  const ordered = { issuer: "liar", scope: scopeOf(lie) };
  expect((await grant(person, id, ordered)).status).toBe(201);
  return async () => ask(agent, ordered, `key-${lie}-0123456789`);
}

test.each(lies)(
  "a credential with a false %s is not released; its failure is recorded under the first record, and a retry hears the same",
  { timeout: 15_000 },
  async (lie, status, code) => {
    const order = await askerOf(lie);
    const first = await order();
    expect(first.body).toMatchObject({ status, code });
    expect(JSON.stringify(first.body)).not.toMatch(/s3cret|secret is 42/u);
    expect((await order()).body).toMatchObject({ status, code });
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

test("an expiry that changes between two reads is the one that was checked", async () => {
  const answer = await (await askerOf("twoFaced"))();
  expect(Date.parse(answer.body.credential.expires_at)).toBeLessThanOrEqual(Date.now() + 300_000);
});

test.each(tokens)("an issuer that asks for the identity token %s gets none", async (lie) => {
  expect((await (await askerOf(lie))()).body.code).toBe("ERR_PLUGIN_CONTRACT");
});

test.each(readings)("an issuer that reads a scope as %s grants nothing", async (lie) => {
  const { id } = await pair(broker, person);
  expect((await grant(person, id, { issuer: "liar", scope: scopeOf(lie) })).body.code).toBe("ERR_PLUGIN_CONTRACT");
});

test("after all that the process serves on", async () => {
  expect((await fetch(`${broker.url}/healthz`)).status).toBe(200);
  expect(broker.lines.filter((line) => line.includes("fatal"))).toEqual([]);
});
