import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { problem, tokens, type Answered } from "../../../packages/client/test/test-broker.ts";
import { useNewHome } from "./new-home.ts";
import { run } from "./run-command.ts";

const person = useNewHome();
let polls: Answered[];
beforeEach(() => {
  polls = [];
  person.broker.routes.set("POST /v1/auth/email/start", () => ({
    status: 200,
    body: {
      challenge_id: "chl_1",
      expires_at: new Date(Date.now() + 60_000).toISOString(),
      poll_token: "poll-1",
      user_code: "WDJB-MJHT",
      interval: 0,
    },
  }));
  person.broker.routes.set("POST /v1/auth/poll", () => polls.shift() ?? problem(401, "ERR_AUTH_CHALLENGE"));
});

const agentkeys = async (...args: string[]) => run([...args, ...person.options]);
const pending: Answered = { status: 202, body: { status: "pending", interval: 0 } };
const account = () => JSON.parse(readFileSync(join(person.path, "account.json"), "utf8"));

describe("agentkeys init email", () => {
  it("shows the code to type behind the link, waits, and stores the session of the same key", async () => {
    person.broker.claimed = false;
    polls.push(pending, { status: 503, body: "away for a moment" }, tokens({ account: person.broker.account }));
    const args = ["init", "email", "ada@example.com", "--json", "--claim-code", person.broker.claimCode];
    const { code, stdout, stderr } = await agentkeys(...args);
    expect(code).toBe(0);
    expect(stderr).toContain("type this code there: WDJB-MJHT");
    const [event, result] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(event).toMatchObject({ event: "email_sent", email: "ada@example.com", user_code: "WDJB-MJHT" });
    expect(result).toEqual({ account: person.broker.account, email: "ada@example.com" });
    expect(account().sign_in).toEqual({ method: "email", email: "ada@example.com" });
    const [started, ...polled] = person.broker.received.filter(({ path }) => path.startsWith("/v1/auth/"));
    expect(JSON.parse(started!.text)).toEqual({
      email: "ada@example.com",
      client_name: "agentkeys command",
      claim_code: person.broker.claimCode,
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
    polls.push(tokens({ account: person.broker.account }), tokens({ account: person.broker.account }));
    await agentkeys("init", "email", "ada@example.com");
    expect(await agentkeys("init", "email", "ada@example.com")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("agentkeys login --email ada@example.com"),
    });
    const before = account().session.access_token;
    expect((await agentkeys("login")).stdout).toBe(
      `signed in to ${person.broker.url} as ${person.broker.account} (ada@example.com)\n`,
    );
    expect(account().session.access_token).not.toBe(before);
  });
});
