import { beforeEach, describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { listedAgent, listedGrant, listedProposal, listedScope } from "./account-broker.ts";
import { start } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;
const sent = (path: string) => person.broker.sent(path);
const { id } = listedProposal;

describe("proposals", () => {
  beforeEach(() => {
    const { routes } = person.broker;
    routes.set("GET /v1/agents", () => ({ status: 200, body: { agents: [listedAgent] } }));
    routes.set("GET /v1/proposals", () => ({ status: 200, body: { proposals: [listedProposal] } }));
    routes.set("POST /v1/proposals", () => ({ status: 200, body: listedProposal }));
    routes.set(`POST /v1/proposals/${id}/accept`, () => ({ status: 201, body: listedGrant }));
    routes.set(`POST /v1/proposals/${id}/decline`, () => ({ status: 204 }));
  });

  it("are left by an agent, which is told what its owner types", async () => {
    await person.home.pair("report");
    const wish = ["grants", "propose", "--agent", "report", "--resource", "https://api.example.com"];
    const left = await agentkeys(...wish, "--ttl", "10m", "--units", "5");
    expect(left.code).toBe(0);
    expect(left.stdout.split("\n")).toEqual([
      `proposal ${id}`,
      `agent    ${listedAgent.id}`,
      "wishes   oidc: token on https://api.example.com",
      "for      10m",
      `next     the owner types, until 2026-01-02T00:00:00Z: agentkeys grants accept ${id}`,
      "",
    ]);
    expect(sent("/v1/proposals")).toEqual([{ issuer: "oidc", scope: listedScope, ttl: 600, units: 5 }]);
    person.broker.routes.set("POST /v1/proposals", () => ({
      status: 200,
      body: { ...listedProposal, status: "declined" },
    }));
    expect(await agentkeys(...wish)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("declined by the owner"),
    });
  });

  it("are listed", async () => {
    const { stdout } = await agentkeys("grants", "proposals");
    expect(stdout).toContain(
      `${id}  ${listedAgent.id}  oidc    token    https://api.example.com  10m  1      2026-01-02`,
    );
    expect(JSON.parse((await agentkeys("grants", "proposals", "--json")).stdout)).toEqual({
      proposals: [listedProposal],
    });
  });

  it("are accepted with the limits that were shown, by default the lifetime wished for", async () => {
    const plain = await agentkeys("grants", "accept", id, "--yes");
    expect(plain.stderr).toContain(
      [
        `agent    report (${listedAgent.id})`,
        "wishes   oidc: token on https://api.example.com",
        "for      10m",
        "limits   at most 10m each",
      ].join("\n"),
    );
    expect(plain.stdout).toContain(`grant    ${listedGrant.id}\n`);
    const limits = ["--max-ttl", "5m", "--max-uses", "3", "--budget-units", "9", "--budget-seconds", "1h"];
    const limited = await agentkeys("grants", "accept", id, ...limits, "--yes");
    expect(limited.stderr).toContain("limits   at most 5m each, 3 uses, 9 units in all, 1h in all\n");
    expect(sent(`/v1/proposals/${id}/accept`)).toEqual([
      { scope: listedScope, constraints: { max_ttl: 600 } },
      { scope: listedScope, constraints: { max_ttl: 300, max_uses: 3, budget: { units: 9, seconds: 3600 } } },
    ]);
  });

  it("are not accepted unasked, nor where none of that id is open", async () => {
    const unasked = await agentkeys("grants", "accept", id);
    expect(unasked).toMatchObject({ code: 64, stdout: "" });
    expect(unasked.stderr).toContain("limits   at most 10m each");
    const other = await agentkeys("grants", "accept", "prp_0h3k9m2p5r8t1w4y6a0c3e5g7j", "--yes");
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_GRANT_NOT_FOUND") });
    expect(sent(`/v1/proposals/${id}/accept`)).toEqual([]);
  });

  it("are accepted after a new sign-in where the broker wants one, asked for once", async () => {
    let asked = 0;
    person.broker.routes.set(`POST /v1/proposals/${id}/accept`, () => {
      asked += 1;
      return asked === 1 ? problem(401, "ERR_SESSION_NOT_FRESH") : { status: 201, body: listedGrant };
    });
    const ended = await start(["grants", "accept", id, "--yes", ...person.home.options]).ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr.split("limits   ")).toHaveLength(2);
    expect(asked).toBe(2);
  });

  it("are declined", async () => {
    expect((await agentkeys("grants", "decline", id)).stdout).toBe(`declined  ${id}\n`);
  });
});
