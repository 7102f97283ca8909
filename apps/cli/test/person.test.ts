import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { problem, tokens, type Answered } from "../../../packages/client/test/test-broker.ts";
import { run, start } from "./run-command.ts";
import { listedAgent, listedGrant } from "./account-broker.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;
const sent = (path: string) => person.broker.sent(path);

const revoked = {
  ...listedAgent,
  name: "ex\u001B[2J",
  id: "agt_00000000000000000000000000",
  revoked_at: "2026-01-02T00:00:00Z",
};

describe("whoami", () => {
  it("shows account, role, identities and wallets", async () => {
    person.broker.wallets.add("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    const { stdout, code } = await agentkeys("whoami");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `broker    ${person.broker.url}`,
      `account   ${person.broker.account}`,
      "role      operator",
      "identity  email ada@example.com",
      "wallet    0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 (kept by the person)",
      "",
    ]);
    const json = JSON.parse((await agentkeys("whoami", "--json")).stdout);
    expect(json).toMatchObject({
      broker: person.broker.url,
      account: person.broker.account,
      role: "operator",
      wallets: [{}],
    });
  });
});

describe("a broker that takes its time", () => {
  it("is waited for with a word on stderr after a second", async () => {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    person.broker.routes.set("GET /v1/agents", async () => promise);
    const waiting = start(["agents", "list", "--json", ...person.home.options]);
    await waiting.until(/^waiting for http/mu);
    resolve({ status: 200, body: { agents: [] } });
    expect(await waiting.ended).toEqual({
      code: 0,
      stdout: '{"agents":[]}\n',
      stderr: `waiting for ${person.broker.url} …\n`,
    });
  });
});

describe("a recent sign-in", () => {
  const freshOnly = (): void => {
    person.broker.routes.set("POST /v1/grants", ({ headers }) =>
      headers.authorization === "DPoP access-1"
        ? problem(401, "ERR_SESSION_NOT_FRESH", { facts: { max_age: 300 } })
        : { status: 201, body: listedGrant },
    );
  };
  const create = ["grants", "create", "--agent", listedAgent.id, "--resource", "https://api.example.com"];

  it("that is wanted is made by the wallet, and the command is done then", async () => {
    freshOnly();
    const ended = await agentkeys(...create, "--json");
    expect(ended).toMatchObject({ code: 0, stderr: "This needs a recent sign-in: signing in again.\n" });
    expect(JSON.parse(ended.stdout)).toEqual(listedGrant);
    expect(person.broker.count("/v1/auth/walletsig/finish")).toBe(1);
    expect(JSON.parse(readFileSync(join(person.home.path, "account.json"), "utf8")).session.access_token).not.toBe(
      "access-1",
    );
  });

  it("that is wanted again at once is not made again", async () => {
    person.broker.routes.set("POST /v1/grants", () => problem(401, "ERR_SESSION_NOT_FRESH"));
    const ended = await agentkeys(...create);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_SESSION_NOT_FRESH") });
    expect(person.broker.count("/v1/auth/walletsig/finish")).toBe(1);
  });

  it("is not made where nobody can be asked for the passphrase", async () => {
    freshOnly();
    const ended = await run([...create, "--home", person.home.path]);
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ERR_SESSION_NOT_FRESH.*\n  next: Sign in again/u),
    });
    expect(person.broker.count("/v1/auth/walletsig/start")).toBe(0);
  });

  it("is made where the session has ended", async () => {
    person.broker.routes.set("GET /v1/account", ({ headers }) =>
      headers.authorization === "DPoP access-1"
        ? problem(401, "ERR_SESSION_TOKEN")
        : { status: 200, body: { account: person.broker.account, role: "member", identities: [], created_at: "" } },
    );
    person.broker.routes.set("POST /oauth/token", () => problem(400, "ERR_SESSION_GRANT"));
    expect(await agentkeys("whoami")).toMatchObject({ code: 0, stdout: expect.stringContaining("role      member") });
  });

  it("is not needed where a refresh is enough, and the renewed session is kept", async () => {
    person.broker.routes.set("GET /v1/account", ({ headers }) =>
      headers.authorization === "DPoP access-1"
        ? problem(401, "ERR_SESSION_TOKEN")
        : { status: 200, body: { account: person.broker.account, role: "member", identities: [], created_at: "" } },
    );
    person.broker.routes.set("POST /oauth/token", () => tokens({ account: person.broker.account }));
    expect((await agentkeys("whoami")).code).toBe(0);
    expect(person.broker.count("/v1/auth/walletsig/start")).toBe(0);
    const { session } = JSON.parse(readFileSync(join(person.home.path, "account.json"), "utf8"));
    expect(person.broker.received.at(-1)!.headers.authorization).toBe(`DPoP ${session.access_token}`);
  });
});

describe("agents", () => {
  const pairing = {
    client_id: "agentkeys",
    client_name: "report\u001B[2J",
    key_thumbprint: listedAgent.key_thumbprint,
    address: "127.0.0.1",
    requested_at: "2026-01-01T00:00:00Z",
    expires_at: "2026-01-01T00:10:00Z",
  };
  beforeEach(() => {
    person.broker.routes.set("POST /v1/pairings/view", () => ({ status: 200, body: pairing }));
    person.broker.routes.set("POST /v1/pairings/approve", () => ({ status: 201, body: listedAgent }));
    person.broker.routes.set("POST /v1/pairings/deny", () => ({ status: 204 }));
    person.broker.routes.set("GET /v1/agents", () => ({ status: 200, body: { agents: [listedAgent, revoked] } }));
    person.broker.routes.set(`DELETE /v1/agents/${listedAgent.id}`, () => ({ status: 204 }));
  });

  it("are approved after showing whose key it is, without what would move a terminal", async () => {
    const ended = await agentkeys("agents", "approve", "WDJB-MJHT", "--name", "report", "--yes");
    expect(ended).toMatchObject({ code: 0, stdout: `paired  report  ${listedAgent.id}\n` });
    expect(ended.stderr).toContain(`key      ${listedAgent.key_thumbprint}`);
    expect(ended.stderr).toContain("from     127.0.0.1, at 2026-01-01T00:00:00Z");
    expect(ended.stderr).not.toContain("\u001B");
    expect(sent("/v1/pairings/approve")).toEqual([{ user_code: "WDJB-MJHT", name: "report" }]);
  });

  it("are not approved unasked", async () => {
    expect(await agentkeys("agents", "approve", "WDJB-MJHT")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("give --yes"),
    });
    expect(person.broker.count("/v1/pairings/approve")).toBe(0);
  });

  it("are denied", async () => {
    expect(await agentkeys("agents", "deny", "WDJB-MJHT", "--json")).toMatchObject({
      code: 0,
      stdout: '{"denied":"WDJB-MJHT"}\n',
    });
    expect(sent("/v1/pairings/deny")).toEqual([{ user_code: "WDJB-MJHT" }]);
  });

  it("are listed", async () => {
    expect((await agentkeys("agents", "list")).stdout).toBe(
      [
        "NAME    ID                              SINCE                 REVOKED",
        `report  ${listedAgent.id}  2026-01-01T00:00:00Z  -`,
        `ex\uFFFD[2J  ${revoked.id}  2026-01-01T00:00:00Z  2026-01-02T00:00:00Z`,
        "",
      ].join("\n"),
    );
    expect(JSON.parse((await agentkeys("agents", "list", "--json")).stdout)).toEqual({
      agents: [listedAgent, revoked],
    });
  });

  it("are revoked by the name of a live one, and only when asked or told", async () => {
    expect((await agentkeys("agents", "revoke", "report")).code).toBe(64);
    expect(person.broker.count(`/v1/agents/${listedAgent.id}`)).toBe(0);
    expect((await agentkeys("agents", "revoke", "report", "--yes", "--json")).stdout).toBe(
      `{"revoked":"${listedAgent.id}"}\n`,
    );
    expect(person.broker.count(`/v1/agents/${listedAgent.id}`)).toBe(1);
  });

  it("of an unknown or shared name are not guessed", async () => {
    expect(await agentkeys("agents", "revoke", "nobody", "--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ERR_GRANT_NOT_FOUND"),
    });
    person.broker.routes.set("GET /v1/agents", () => ({
      status: 200,
      body: { agents: [listedAgent, { ...listedAgent, id: revoked.id }] },
    }));
    expect(await agentkeys("agents", "revoke", "report", "--yes")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(`${listedAgent.id}, ${revoked.id}`),
    });
  });
});
