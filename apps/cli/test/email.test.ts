import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem, tokens, type Answered } from "../../../packages/client/test/test-broker.ts";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { makeFolder, run, type Folder } from "./run-command.ts";

let broker: AccountBroker;
let folder: Folder;
let polls: Answered[];
beforeEach(async () => {
  broker = await startAccountBroker();
  folder = await makeFolder();
  polls = [];
  broker.routes.set("POST /v1/auth/email/start", () => ({
    status: 200,
    body: {
      challenge_id: "chl_1",
      expires_at: new Date(Date.now() + 60_000).toISOString(),
      poll_token: "poll-1",
      user_code: "WDJB-MJHT",
      interval: 0,
    },
  }));
  broker.routes.set("POST /v1/auth/poll", () => polls.shift() ?? problem(401, "ERR_AUTH_CHALLENGE"));
});
afterEach(async () => {
  await broker.close();
  await folder.remove();
});

const agentkeys = async (...args: string[]) =>
  run([...args, "--home", join(folder.path, "home"), "--broker", broker.url]);
const pending: Answered = { status: 202, body: { status: "pending", interval: 0 } };
const account = () => JSON.parse(readFileSync(join(folder.path, "home", "account.json"), "utf8"));

describe("agentkeys init email", () => {
  it("shows the code to type behind the link, waits, and stores the session of the same key", async () => {
    broker.claimed = false;
    polls.push(pending, { status: 503, body: "away for a moment" }, tokens({ account: broker.account }));
    const args = ["init", "email", "ada@example.com", "--json", "--claim-code", broker.claimCode];
    const { code, stdout, stderr } = await agentkeys(...args);
    expect(code).toBe(0);
    expect(stderr).toContain("type this code there: WDJB-MJHT");
    const [event, result] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(event).toMatchObject({ event: "email_sent", email: "ada@example.com", user_code: "WDJB-MJHT" });
    expect(result).toEqual({ account: broker.account, email: "ada@example.com" });
    expect(account().sign_in).toEqual({ method: "email", email: "ada@example.com" });
    const [started, ...polled] = broker.received.filter(({ path }) => path.startsWith("/v1/auth/"));
    expect(JSON.parse(started!.text)).toEqual({
      email: "ada@example.com",
      client_name: "agentkeys command",
      claim_code: broker.claimCode,
    });
    expect(new Set(polled.map(({ thumbprint }) => thumbprint))).toEqual(new Set([started!.thumbprint]));
    expect(started!.thumbprint).toBeDefined();
    expect(JSON.parse(polled[0]!.text)).toEqual({ poll_token: "poll-1" });
  });

  it("that nobody follows stores nothing", async () => {
    polls.push(pending);
    const ended = await agentkeys("init", "email", "ada@example.com");
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_AUTH_CHALLENGE") });
    expect(account).toThrow("ENOENT");
  });

  it("where there is an account says how to sign in again, and login does", async () => {
    polls.push(tokens({ account: broker.account }), tokens({ account: broker.account }));
    await agentkeys("init", "email", "ada@example.com");
    expect(await agentkeys("init", "email", "ada@example.com")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("agentkeys login --email ada@example.com"),
    });
    const before = account().session.access_token;
    expect((await agentkeys("login")).stdout).toBe(
      `signed in to ${broker.url} as ${broker.account} (ada@example.com)\n`,
    );
    expect(account().session.access_token).not.toBe(before);
  });
});
