import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { makeHome, type MadeHome } from "./made-home.ts";
import { run } from "./run-command.ts";

let broker: AccountBroker;
let home: MadeHome;
beforeEach(async () => {
  broker = await startAccountBroker();
  home = await makeHome(broker);
});
afterEach(async () => {
  await broker.close();
  await home.folder.remove();
});

const agentkeys = async (...args: string[]) => run([...args, ...home.options]);
const sent = (path: string) => broker.received.filter((one) => one.path === path).map(({ text }) => JSON.parse(text));

const agent = {
  id: "agt_7h3k9m2p5r8t1w4y6a0c3e5g7j",
  name: "report",
  client_id: "agentkeys",
  key_thumbprint: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
  created_at: "2026-01-01T00:00:00Z",
};
const scope = { actions: ["token"], resources: ["https://api.example.com"] };
const grant = {
  id: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
  agent: agent.id,
  issuer: "oidc",
  scope,
  delivery: "release",
  constraints: { max_uses: 100, max_ttl: 600 },
  uses: 3,
  created_at: "2026-01-01T00:00:00Z",
};

describe("grants", () => {
  beforeEach(() => {
    broker.routes.set("POST /v1/grants", () => ({ status: 201, body: grant }));
    broker.routes.set("GET /v1/agents", () => ({ status: 200, body: { agents: [agent] } }));
  });

  it("are made with scope and limits", async () => {
    const before = Date.now();
    const args = [
      "--agent",
      "report",
      "--resource",
      "https://api.example.com",
      "--max-ttl",
      "10m",
      "--max-uses",
      "100",
    ];
    const ended = await agentkeys("grants", "create", ...args, "--expires", "30d");
    expect(ended.stdout.split("\n").slice(0, 4)).toEqual([
      `grant    ${grant.id}`,
      `agent    ${agent.id}`,
      "may ask  oidc: token on https://api.example.com",
      "limits   at most 10m each, 100 uses",
    ]);
    const [body] = sent("/v1/grants");
    const { expires_at: until, ...constraints } = body.constraints;
    expect({ ...body, constraints }).toEqual({
      agent: agent.id,
      issuer: "oidc",
      scope,
      constraints: { max_ttl: 600, max_uses: 100 },
    });
    expect(until).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    expect(Math.abs(Date.parse(until) - before - 30 * 86_400_000)).toBeLessThan(60_000);
  });

  it.each([
    ["a duration without a unit", ["--max-ttl", "600"]],
    ["half a second", ["--max-ttl", "500ms"]],
    ["no uses", ["--max-uses", "0"]],
    ["an unknown option", ["--forever"]],
  ])("with %s are not made", async (_, args) => {
    const ended = await agentkeys("grants", "create", "--agent", "report", "--resource", "https://x.example", ...args);
    expect(ended.code).toBe(64);
    expect(broker.received).toHaveLength(0);
  });

  it("are listed, and those of one agent", async () => {
    broker.routes.set("GET /v1/grants", () => ({ status: 200, body: { grants: [grant] } }));
    const { stdout } = await agentkeys("grants", "list", "--agent", "report");
    expect(stdout).toContain(`${grant.id}  ${agent.id}  oidc    https://api.example.com  3/100`);
    expect(broker.received.at(-1)!.path).toBe(`/v1/grants?agent=${agent.id}`);
    expect(JSON.parse((await agentkeys("grants", "list", "--json")).stdout)).toEqual({ grants: [grant] });
  });

  it("are revoked, asked or told", async () => {
    broker.routes.set(`DELETE /v1/grants/${grant.id}`, () => ({ status: 204 }));
    expect((await agentkeys("grants", "revoke", grant.id)).code).toBe(64);
    expect((await agentkeys("grants", "revoke", grant.id, "--yes")).stdout).toBe(`revoked  ${grant.id}\n`);
  });

  it("are explained: the layer that refuses, why, and what would be allowed", async () => {
    broker.routes.set("POST /v1/grants/explain", () => ({
      status: 200,
      body: {
        allowed: false,
        layer: "ceiling",
        code: "ERR_GRANT_DENIED",
        reason: "no ceiling row contains 3600 seconds",
        policy: {},
        would_allow: [{ issuer: "oidc", scope, max_ttl: 900 }],
      },
    }));
    const explain = ["grants", "explain", "--resource", "https://api.example.com", "--ttl", "1h"];
    const refused = await agentkeys(...explain, "--agent", "report");
    expect(refused.code).toBe(1);
    expect(refused.stdout.split("\n")).toEqual([
      "refused by the ceiling layer: the operator has set a lower limit for everybody",
      "reason: no ceiling row contains 3600 seconds",
      "would be allowed:",
      "  oidc: token on https://api.example.com, at most 15m",
      "",
    ]);
    await home.pair("worker");
    expect((await agentkeys(...explain, "--as-agent", "worker")).stdout).toContain("refused by the ceiling layer");
    expect(sent("/v1/grants/explain")).toEqual([
      { agent: agent.id, issuer: "oidc", scope, ttl: 3600 },
      { issuer: "oidc", scope, ttl: 3600 },
    ]);
    expect((await agentkeys(...explain)).code).toBe(64);
  });
});
