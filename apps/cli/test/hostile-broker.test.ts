import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { mint } from "./minting.ts";
import { commandLine } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;

// A window title, a C1 control, a text direction, a line that was never written.
const evil = "\u001B]0;owned\u0007\u009B2J\u202Ex\u2028\r\nagentkeys: all is well";
const acted = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]|^agentkeys: all is well/mu;
const scope = { actions: [evil], resources: [evil] };
const time = "2026-01-01T00:00:00Z";
const evilProposal = "prp_7h3k9m2p5r8t1w4y6a0c3e5g7j";
const answers: Readonly<Record<string, unknown>> = {
  "GET /v1/agents": {
    agents: [
      { id: evil, name: evil, client_id: evil, key_thumbprint: evil, created_at: evil },
      { id: "agt_1", name: "report", client_id: evil, key_thumbprint: evil, created_at: evil },
    ],
  },
  "POST /v1/pairings/view": {
    client_id: evil,
    client_name: evil,
    key_thumbprint: evil,
    address: evil,
    requested_at: evil,
    expires_at: evil,
  },
  "POST /v1/pairings/approve": {
    id: evil,
    name: evil,
    client_id: evil,
    key_thumbprint: evil,
    created_at: evil,
  },
  "POST /v1/grants": {
    id: evil,
    agent: evil,
    issuer: evil,
    scope,
    delivery: evil,
    constraints: { not_before: evil, expires_at: evil },
    uses: 0,
    created_at: evil,
  },
  "POST /v1/grants/explain": {
    allowed: false,
    layer: evil,
    code: evil,
    reason: evil,
    grant: evil,
    policy: { id: evil, [evil]: evil },
    would_allow: [{ issuer: evil, scope }],
  },
  "GET /v1/proposals": {
    proposals: [
      {
        id: evilProposal,
        status: evil,
        agent: evil,
        issuer: evil,
        scope,
        ttl: 1,
        units: 1,
        created_at: evil,
        expires_at: evil,
      },
    ],
  },
  [`POST /v1/proposals/${evilProposal}/accept`]: {
    id: evil,
    agent: evil,
    issuer: evil,
    scope,
    delivery: evil,
    constraints: { expires_at: evil },
    uses: 0,
    created_at: evil,
  },
  "GET /v1/account": {
    account: evil,
    role: evil,
    identities: [{ type: evil, value: evil, linked_at: evil }],
    created_at: evil,
  },
  "GET /v1/wallets": { wallets: [{ address: evil, family: evil, custody: evil }] },
  "POST /v1/accounts/invites": { id: evil, role: evil, created_at: time, expires_at: evil, code: evil },
  [`POST /v1/accounts/${"ab".repeat(32)}/recovery`]: { code: evil, expires_at: evil },
  "GET /v1/rights": {
    policy: evil,
    rights: [{ who: { [evil]: evil }, issuer: evil, scope, max_ttl: 1 }],
    ceilings: [{ issuer: evil, scope, max_ttl: 1 }],
  },
  "GET /v1/sessions": {
    sessions: [{ id: evil, created_at: evil, expires_at: evil, amr: [evil], current: false }],
  },
  "GET /v1/audit/records": { records: [{ index: 0, id: evil, time: evil, type: evil, outcome: evil, code: evil }] },
};

describe("what a hostile broker says", () => {
  const commands = [
    ["agents", "list"],
    ["agents", "approve", "WDJB-MJHT", "--yes"],
    ["grants", "create", "--agent", "report", "--resource", "https://a.example"],
    ["grants", "explain", "--agent", "report", "--resource", "https://a.example"],
    ["grants", "proposals"],
    ["grants", "accept", evilProposal, "--yes"],
    ["whoami"],
    ["identities", "list"],
    ["accounts", "invite"],
    ["accounts", "recover", "ab".repeat(32), "--yes"],
    ["rights"],
    ["sessions", "list"],
    ["audit", "show"],
  ];

  it("never acts on the terminal, in no field of any command, nor in JSON", async () => {
    for (const [route, body] of Object.entries(answers)) person.broker.routes.set(route, () => ({ status: 200, body }));
    for (const command of commands) {
      const [plain, json] = await Promise.all([agentkeys(...command), agentkeys(...command, "--json")]);
      for (const { code, stdout, stderr } of [plain, json]) {
        expect
          .soft([command.join(" "), code, stderr])
          .toEqual([command.join(" "), command[1] === "explain" ? 1 : 0, expect.any(String)]);
        expect
          .soft([command.join(" "), acted.exec(`${stdout}\n${stderr}`)?.[0]])
          .toEqual([command.join(" "), undefined]);
      }
    }
  }, 60_000);

  it("never acts on the terminal in a refusal", async () => {
    const refusal = problem(403, "ERR_GRANT_DENIED", {
      detail: evil,
      next_step: evil,
      request_id: evil,
      facts: { issues: [evil] },
    });
    person.broker.routes.set("GET /v1/agents", () => refusal);
    for (const more of [[], ["--json"]]) {
      const { code, stderr } = await agentkeys("agents", "list", ...more);
      expect(code).toBe(1);
      expect(acted.exec(stderr)?.[0]).toBeUndefined();
    }
  });

  it("never acts on the terminal while an agent is paired", async () => {
    const invitation = { device_code: evil, user_code: evil, verification_uri: evil, expires_in: 60, interval: 1 };
    person.broker.routes.set("POST /oauth/device_authorization", () => ({ status: 200, body: invitation }));
    person.broker.routes.set("POST /oauth/token", () => problem(400, "ERR_SESSION_DENIED", { detail: evil }));
    for (const more of [[], ["--json"]]) {
      const { code, stdout, stderr } = await agentkeys("agents", "pair", "--name", "report", ...more);
      expect(code).toBe(1);
      expect(acted.exec(`${stdout}\n${stderr}`)?.[0]).toBeUndefined();
    }
  });

  it.each([
    ["expires_in", { expires_in: 1e300 }],
    ["interval", { interval: 1e300 }],
  ])("of an endless %s is refused, and nobody polls without a pause", async (_, change) => {
    const invitation = {
      device_code: "d",
      user_code: "WDJB-MJHT",
      verification_uri: `${person.broker.url}/pair`,
      expires_in: 2,
      interval: 1,
    };
    person.broker.routes.set("POST /oauth/device_authorization", () => ({
      status: 200,
      body: { ...invitation, ...change },
    }));
    person.broker.routes.set("POST /oauth/token", () => problem(400, "ERR_SESSION_PENDING"));
    const { code, stderr } = await agentkeys("agents", "pair", "--name", "report");
    expect([code, stderr]).toEqual([69, expect.stringContaining("ERR_REQUEST_ANSWER")]);
    expect(person.broker.count("/oauth/token")).toBe(0);
  });

  it("of pages without end is not read for ever", async () => {
    person.broker.routes.set("GET /v1/accounts", () => ({ status: 200, body: { accounts: [], next: "same" } }));
    const { code, stderr } = await agentkeys("accounts", "list");
    expect([code, stderr]).toEqual([69, expect.stringContaining("ERR_REQUEST_ANSWER")]);
  });
});

describe("a result that nobody reads to its end", () => {
  it("ends the command without a stack trace", async () => {
    const agents = Array.from({ length: 4000 }, (_, at) => ({
      id: `agt_${at}`,
      name: "report".repeat(10),
      client_id: "agentkeys",
      key_thumbprint: "t",
      created_at: time,
    }));
    person.broker.routes.set("GET /v1/agents", () => ({ status: 200, body: { agents } }));
    const line = [process.execPath, ...commandLine, "agents", "list", ...person.home.options]
      .map((part) => `'${part}'`)
      .join(" ");
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", `${line} | head -1; echo "\${PIPESTATUS[0]}"`]);
    expect(stdout).toMatch(/^NAME.*\n(0|141)\n$/u);
    expect(stderr).toBe("");
  });
});

describe("a place to write to", () => {
  it("that is no file is not replaced by one", async () => {
    await person.home.pair("report");
    person.broker.routes.set("POST /v1/credentials", (received) => {
      const { index, credential } = mint(person.broker, received);
      return { status: 200, body: { credential, receipt: JSON.parse(person.broker.log.receipt(index)) } };
    });
    const pipe = join(person.home.folder.path, "pipe");
    await promisify(execFile)("mkfifo", [pipe]);
    const issue = ["issue", "--agent", "report", "--resource", "https://a.example"];
    const { code, stdout } = await agentkeys(...issue, "--out", pipe);
    expect([code, stdout]).toEqual([78, ""]);
    await promisify(execFile)("test", ["-p", pipe]);
  });
});
