import { beforeEach, describe, expect, it } from "vitest";
import { listedAgent, listedGrant, listedScope } from "./account-broker.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;
const sent = (path: string) => person.broker.sent(path);

describe("grants", () => {
  beforeEach(() => {
    person.broker.routes.set("POST /v1/grants", () => ({ status: 201, body: listedGrant }));
    person.broker.routes.set("GET /v1/agents", () => ({ status: 200, body: { agents: [listedAgent] } }));
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
      `grant    ${listedGrant.id}`,
      `agent    ${listedAgent.id}`,
      "may ask  oidc: token on https://api.example.com",
      "limits   at most 10m each, 100 uses",
    ]);
    const [body] = sent("/v1/grants");
    const { expires_at: until, ...constraints } = body.constraints;
    expect({ ...body, constraints }).toEqual({
      agent: listedAgent.id,
      issuer: "oidc",
      scope: listedScope,
      constraints: { max_ttl: 600, max_uses: 100 },
    });
    expect(until).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    expect(Math.abs(Date.parse(until) - before - 30 * 86_400_000)).toBeLessThan(60_000);
  });

  it("are made with a budget of units and seconds, and listed with what was used of it", async () => {
    const budget = { units: 1000, seconds: 7200 };
    const budgeted = { ...listedGrant, constraints: { budget }, used: { units: 12, seconds: 600 } };
    person.broker.routes.set("POST /v1/grants", () => ({ status: 201, body: budgeted }));
    const create = ["grants", "create", "--agent", "report", "--resource", "https://api.example.com"];
    const made = await agentkeys(...create, "--budget-units", "1000", "--budget-seconds", "2h");
    expect(made.stdout).toContain("limits   1000 units in all, 2h in all\n");
    await agentkeys(...create, "--budget-seconds", "7200");
    expect(sent("/v1/grants").map(({ constraints }) => constraints)).toEqual([
      { budget },
      { budget: { seconds: 7200 } },
    ]);
    person.broker.routes.set("GET /v1/grants", () => ({ status: 200, body: { grants: [budgeted] } }));
    expect((await agentkeys("grants", "list")).stdout).toContain("3/∞   12/1000 units, 600/7200 s  -");
  });

  it.each([
    ["a budget of nothing", ["--budget-units", "0"]],
    ["a duration without a unit", ["--max-ttl", "600"]],
    ["half a second", ["--max-ttl", "500ms"]],
    ["no uses", ["--max-uses", "0"]],
    ["an unknown option", ["--forever"]],
  ])("with %s are not made", async (_, args) => {
    const ended = await agentkeys("grants", "create", "--agent", "report", "--resource", "https://x.example", ...args);
    expect(ended.code).toBe(64);
    expect(person.broker.received).toHaveLength(0);
  });

  it("are listed, and those of one agent", async () => {
    person.broker.routes.set("GET /v1/grants", () => ({ status: 200, body: { grants: [listedGrant] } }));
    const { stdout } = await agentkeys("grants", "list", "--agent", "report");
    expect(stdout).toContain(`${listedGrant.id}  ${listedAgent.id}  oidc    https://api.example.com  3/100`);
    expect(person.broker.received.at(-1)!.path).toBe(`/v1/grants?agent=${listedAgent.id}`);
    expect(JSON.parse((await agentkeys("grants", "list", "--json")).stdout)).toEqual({ grants: [listedGrant] });
  });

  it("are revoked, asked or told", async () => {
    person.broker.routes.set(`DELETE /v1/grants/${listedGrant.id}`, () => ({ status: 204 }));
    expect((await agentkeys("grants", "revoke", listedGrant.id)).code).toBe(64);
    expect((await agentkeys("grants", "revoke", listedGrant.id, "--yes")).stdout).toBe(`revoked  ${listedGrant.id}\n`);
  });

  it("are explained: the layer that refuses, why, and what would be allowed", async () => {
    person.broker.routes.set("POST /v1/grants/explain", () => ({
      status: 200,
      body: {
        allowed: false,
        layer: "ceiling",
        code: "ERR_GRANT_DENIED",
        reason: "no ceiling row contains 3600 seconds",
        policy: {},
        would_allow: [{ issuer: "oidc", scope: listedScope, max_ttl: 900, left: { uses: 2, seconds: 1000 } }],
      },
    }));
    const explain = ["grants", "explain", "--resource", "https://api.example.com", "--ttl", "1h"];
    const refused = await agentkeys(...explain, "--agent", "report");
    expect(refused.code).toBe(1);
    expect(refused.stdout.split("\n")).toEqual([
      "refused by the ceiling layer: the operator has set a lower limit for everybody",
      "reason: no ceiling row contains 3600 seconds",
      "would be allowed:",
      "  oidc: token on https://api.example.com, at most 15m, 2 uses left, 1000 seconds left",
      "",
    ]);
    await person.home.pair("worker");
    expect((await agentkeys(...explain, "--as-agent", "worker")).stdout).toContain("refused by the ceiling layer");
    expect(sent("/v1/grants/explain")).toEqual([
      { agent: listedAgent.id, issuer: "oidc", scope: listedScope, ttl: 3600 },
      { issuer: "oidc", scope: listedScope, ttl: 3600 },
    ]);
    expect((await agentkeys(...explain)).code).toBe(64);
  });
});
