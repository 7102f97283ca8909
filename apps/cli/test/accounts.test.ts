import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyMessage } from "ethers";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { run } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;
const json = async (...args: string[]) => {
  const { stdout, stderr, code } = await agentkeys(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
};
const lastSent = () => JSON.parse(person.broker.received.at(-1)!.text);
const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const other = "ab".repeat(32);
const since = "2026-01-01T00:00:00Z";

describe("accounts", () => {
  it("are listed page by page", async () => {
    const account = (id: string) => ({ account: id, role: "member", created_at: since, identities: [], rights: [] });
    person.broker.routes.set("GET /v1/accounts", ({ path }) => ({
      status: 200,
      body: path.includes("after=") ? { accounts: [account("b")] } : { accounts: [account("a")], next: "a" },
    }));
    expect((await json("accounts", "list")).accounts).toEqual([account("a"), account("b")]);
  });
  it("are suspended and resumed", async () => {
    for (const [verb, done] of [
      ["suspend", "suspended"],
      ["resume", "resumed"],
    ] as const) {
      person.broker.routes.set(`POST /v1/accounts/${other}/${verb}`, () => ({ status: 204 }));
      expect(await json("accounts", verb, other)).toEqual({ [done]: other });
    }
  });
  it("get a recovery code only after a yes", async () => {
    person.broker.routes.set(`POST /v1/accounts/${other}/recovery`, () => ({
      status: 201,
      body: { code: "secret", expires_at: since },
    }));
    expect((await agentkeys("accounts", "recover", other)).code).toBe(64);
    expect(person.broker.received).toEqual([]);
    expect(await json("accounts", "recover", other, "--yes")).toEqual({ code: "secret", expires_at: since });
  });
  it("take people in by invites that are made, listed and taken back", async () => {
    const invite = { id: "inv_1", role: "member", created_at: since, expires_at: since };
    person.broker.routes.set("POST /v1/accounts/invites", () => ({ status: 201, body: { ...invite, code: "secret" } }));
    person.broker.routes.set("GET /v1/accounts/invites", () => ({ status: 200, body: { invites: [invite] } }));
    person.broker.routes.set("DELETE /v1/accounts/invites/inv_1", () => ({ status: 204 }));
    expect((await json("accounts", "invite", "--expires", "1d")).code).toBe("secret");
    expect(lastSent()).toEqual({ role: "member", expires_in: 86_400 });
    expect(await json("accounts", "invites")).toEqual({ invites: [invite] });
    expect(await json("accounts", "uninvite", "inv_1")).toEqual({ revoked: "inv_1" });
  });
  it("are refused to others, with what to do", async () => {
    person.broker.routes.set("GET /v1/accounts", () => problem(403, "ERR_SESSION_CALLER"));
    expect(await agentkeys("accounts", "list")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ERR_SESSION_CALLER"),
    });
  });
});

describe("rights", () => {
  it("are shown with the ceilings", async () => {
    const row = { issuer: "oidc", scope: { actions: ["token"], resources: ["https://*"] }, max_ttl: 3600 };
    const body = { policy: "00", rights: [{ who: { role: "operator" }, ...row }], ceilings: [row] };
    person.broker.routes.set("GET /v1/rights", () => ({ status: 200, body }));
    const { stdout } = await agentkeys("rights");
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "policy  00",
      "WHO             ISSUER  SCOPE               AT MOST",
      "role operator   oidc    token on https://*  1h",
      "ceiling of all  oidc    token on https://*  1h",
    ]);
  });
});

describe("identities", () => {
  it("are linked by a wallet whose signature proves it", async () => {
    person.broker.routes.set("POST /v1/account/identities/walletsig/start", () => ({
      status: 200,
      body: { challenge_id: "c1", expires_at: since, message: person.broker.signInMessage(address) },
    }));
    const linked = { type: "evm", value: address.toLowerCase(), linked_at: since };
    person.broker.routes.set("POST /v1/account/identities", ({ text }) => {
      const { message, signature } = JSON.parse(text);
      return verifyMessage(message, signature) === address
        ? { status: 201, body: linked }
        : problem(401, "ERR_AUTH_PROOF");
    });
    expect(await json("identities", "link", "wallet", "default")).toEqual(linked);
  });
  it("are not linked by a message of another broker", async () => {
    person.broker.signInMessage = () => "evil.example wants you to sign in";
    person.broker.routes.set("POST /v1/account/identities/walletsig/start", () => ({
      status: 200,
      body: { challenge_id: "c1", expires_at: since, message: person.broker.signInMessage(address) },
    }));
    expect((await agentkeys("identities", "link", "wallet", "default")).stderr).toContain("ERR_AUTH_BROKER");
  });
  it("are linked by a mail, once the link in it was followed", async () => {
    const expires = new Date(Date.now() + 60_000).toISOString();
    person.broker.routes.set("POST /v1/account/identities/email/start", () => ({
      status: 200,
      body: { challenge_id: "c1", expires_at: expires, poll_token: "p1", user_code: "WDJB-MJHT", interval: 0 },
    }));
    const linked = { type: "email", value: "ada@example.com", linked_at: since };
    let polls = 0;
    person.broker.routes.set("POST /v1/account/identities", ({ text }) => {
      expect(JSON.parse(text)).toEqual({ poll_token: "p1" });
      return polls++ === 0 ? { status: 202, body: { status: "pending", interval: 0 } } : { status: 201, body: linked };
    });
    const { stdout, stderr } = await agentkeys("identities", "link", "email", "ada@example.com");
    expect(stdout).toBe("linked  email  ada@example.com\n");
    expect(stderr).toContain("WDJB-MJHT");
  });
  it("are listed, and unlinked after a yes", async () => {
    person.broker.routes.set("DELETE /v1/account/identities", () => ({ status: 204 }));
    expect((await json("identities", "list")).identities).toHaveLength(1);
    expect((await agentkeys("identities", "unlink", "email", "ada@example.com")).code).toBe(64);
    await json("identities", "unlink", "email", "ada@example.com", "--yes");
    expect(lastSent()).toEqual({ type: "email", value: "ada@example.com" });
  });
});

describe("account erase", () => {
  it("asks, erases, and forgets the account here", async () => {
    person.broker.routes.set("DELETE /v1/account", () => ({ status: 204 }));
    expect((await agentkeys("account", "erase")).code).toBe(64);
    expect(await json("account", "erase", "--yes")).toEqual({ erased: person.broker.account });
    expect(existsSync(join(person.home.path, "account.json"))).toBe(false);
  });
});

describe("an invite", () => {
  it("goes out as the code of the start, to a broker that was claimed long ago", async () => {
    person.broker.claimed = true;
    const fresh = [
      "--home",
      join(person.home.folder.path, "fresh"),
      "--broker",
      person.broker.url,
      ...person.home.options.slice(2),
    ];
    const words = await person.home.folder.write(
      "words",
      "test test test test test test test test test test test junk",
    );
    const args = ["--mnemonic-file", words, "--store", "file", "--claim-code", "the-invite", "--json"];
    const { stdout, stderr } = await run(["init", "wallet", ...args, ...fresh]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ account: person.broker.account });
    const [start] = person.broker.received.filter(({ path }) => path === "/v1/auth/walletsig/start");
    expect(JSON.parse(start!.text)).toMatchObject({ claim_code: "the-invite" });
  });
});
