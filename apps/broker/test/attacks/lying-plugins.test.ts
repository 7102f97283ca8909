// Wallets and anchors of others that lie, and plug-ins that cannot even begin, be ready or end, each in a real broker: contained.
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claim, openBroker, type Caller, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";
import { hostile } from "./hostile.ts";

install(
  "wallet-liar",
  `${hostile}export default { kind: "wallet", name: "liar", apiVersion: 1, capabilities: [], config, create: async () => { let lie = "none"; return { ...life,
  start: async (account, ask) => { lie = ask.lie; return { id: "challenge-0000000000000001", expiresAt: Date.now() + 60000, public: {} }; },
  provision: async () => ({ null: null, family: { address: "0x1", family: "btc", custody: "person" }, custody: { address: "0x" + "a".repeat(40), family: "evm", custody: "root" },
    address: { address: "<x>", family: "solana", custody: "person" }, proxy })[lie],
  ready: async () => ({ status: "fine" }), lookup: async () => lie === "list" ? null : lie === "listProxy" ? [proxy] : [],
}; } };`,
);
install(
  "audit-liar",
  `let calls = 0;
const answers = [{ status: "weird" }, { status: "retry", afterMs: NaN, reason: "r" }];
export default { kind: "audit", name: "liar", apiVersion: 1, capabilities: ["anchor"], config, manifest: { minIntervalMs: 1 }, create: async (_, host) => ({ ...life,
  publish: async () => { host.log("warn", "called"); return answers[calls++ % answers.length]; },
  head: async () => undefined, refresh: async (one) => one, verifyOnline: async () => true,
}) };`,
);

let broker: TestBroker;
let person: Caller;
beforeAll(async () => {
  broker = await openBroker(`[wallet]
provisioner = "liar"
[wallet.liar]
plugin = "@acme/wallet-liar"
[audit]
anchors = ["liar"]
[audit.liar]
plugin = "@acme/audit-liar"
`);
  ({ caller: person } = await claim(broker));
});
afterAll(() => broker.close());

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
  const calls = () => broker.lines.filter((line) => line.includes("audit.liar.called")).length;
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
  await expect(openBroker(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@acme/${specifier}"\n`)).rejects.toMatchObject({
    code,
    message: expect.stringContaining("auth(x): "),
  });
});

test("a plug-in that cannot close keeps nothing else open", async () => {
  install(
    "close",
    `${hostile}export default { kind: "auth", name: "x", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["x"], config, create: async () => ({ ...life, start: trap, finish: trap, close: trap }) };`,
  );
  const other = await openBroker(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@acme/close"\n`);
  await other.restart();
  await other.close();
  expect(other.lines.join("")).toContain("plugin.close_failed");
});

test("after all that the process serves on", async () => {
  expect((await fetch(`${broker.url}/healthz`)).status).toBe(200);
  expect(broker.lines.filter((line) => line.includes("fatal"))).toEqual([]);
});
