import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problem, tokens } from "../../../packages/client/test/test-broker.ts";
import { agentId } from "./made-home.ts";
import { mint, serveCredentials } from "./minting.ts";
import { start } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const resource = "https://api.example.com";
const person = useSignedIn();
const { agentkeys } = person;
const file = (...path: string[]): string => join(person.home.path, ...path);

describe("issue", () => {
  const issue = ["issue", "--agent", "report", "--resource", resource];

  it("prints the credential alone on stdout, and keeps its verified receipt", async () => {
    await person.home.pair("report");
    serveCredentials(person.broker);
    const { code, stdout, stderr } = await agentkeys(...issue, "--ttl", "10m");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/u);
    const receipt = /receipt verified: (.*)\n/u.exec(stderr)![1]!;
    const { record } = JSON.parse(Buffer.from(stdout.split(".")[1]!, "base64url").toString()).agentkeys;
    expect(receipt).toBe(file("receipts", `${record}.json`));
    expect(JSON.parse(readFileSync(receipt, "utf8"))).toHaveProperty("tlog_proof");
    expect(JSON.parse(person.broker.received.at(-1)!.text)).toEqual({
      issuer: "oidc",
      scope: { actions: ["token"], resources: [resource] },
      ttl: 600,
    });
  });

  it("asks for as many units as it is told", async () => {
    await person.home.pair("report");
    serveCredentials(person.broker);
    expect((await agentkeys(...issue, "--units", "25")).code).toBe(0);
    expect(JSON.parse(person.broker.received.at(-1)!.text)).toMatchObject({ ttl: 600, units: 25 });
  });

  it("writes credential and receipt where it is told, and no secret elsewhere", async () => {
    await person.home.pair("report");
    serveCredentials(person.broker);
    const [out, receipt] = [join(person.home.folder.path, "token"), join(person.home.folder.path, "receipt.json")];
    const ended = await agentkeys(...issue, "--json", "--out", out, "--receipt", receipt);
    const shown = JSON.parse(ended.stdout);
    expect(shown).toMatchObject({ credential: { issuer: "oidc", type: "jwt", file: out }, receipt });
    expect((statSync(out).mode & 0o777).toString(8)).toBe("600");
    expect(`${ended.stdout}${ended.stderr}`).not.toContain(readFileSync(out, "utf8").trim());
    const token = JSON.parse((await agentkeys(...issue, "--json")).stdout).credential.value;
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/u);
  });

  it("of a credential whose receipt is another one's prints and writes nothing", async () => {
    await person.home.pair("report");
    person.broker.routes.set("POST /v1/credentials", (received) => {
      const [mine, other] = [mint(person.broker, received), mint(person.broker, received)];
      return {
        status: 200,
        body: { credential: mine.credential, receipt: JSON.parse(person.broker.log.receipt(other.index)) },
      };
    });
    const ended = await agentkeys(...issue);
    expect(ended).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("ERR_AUDIT_RECEIPT") });
    expect(existsSync(file("receipts"))).toBe(false);
  });

  it("of three processes at once with a spent session refreshes once", async () => {
    await person.home.pair("report", { session: { accessToken: "spent", expiresAt: 0, refreshToken: "refresh-1" } });
    serveCredentials(person.broker);
    const used: string[] = [];
    const { promise: allWait, resolve } = Promise.withResolvers<undefined>();
    person.broker.routes.set("POST /oauth/token", async ({ text }) => {
      const token = new URLSearchParams(text).get("refresh_token")!;
      if (used.includes(token)) return problem(400, "ERR_SESSION_GRANT");
      used.push(token);
      await allWait;
      return tokens({ agent: agentId });
    });
    const processes = [1, 2, 3].map(() => start([...issue, ...person.home.options]));
    await Promise.all(processes.map(async (one) => one.until(/^waiting for the credential/mu)));
    resolve(undefined);
    const ended = await Promise.all(processes.map(async (one) => one.ended));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(used).toEqual(["refresh-1"]);
  });

  it("by an agent that is not paired here says how to pair it", async () => {
    expect(await agentkeys(...issue)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("agentkeys agents pair --name report"),
    });
  });

  it("that is refused tells the proposal it left and what the owner types; a broker writes no command of its own there", async () => {
    await person.home.pair("report");
    const proposal = "prp_7h3k9m2p5r8t1w4y6a0c3e5g7j";
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_DENIED", { proposal }));
    expect((await agentkeys(...issue)).stderr).toContain(
      `  proposal: the owner types: agentkeys grants accept ${proposal}\n`,
    );
    expect(JSON.parse((await agentkeys(...issue, "--json")).stderr).error).toMatchObject({ proposal });
    const evil = `${proposal}; rm -r ~`;
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_DENIED", { proposal: evil }));
    expect((await agentkeys(...issue)).stderr).not.toContain("grants accept");
  });

  it("that is refused gives code, message, next step and request, also as JSON", async () => {
    await person.home.pair("report");
    const refusal = problem(403, "ERR_GRANT_TTL", { detail: "at most 600 seconds", next_step: "Ask for less." });
    person.broker.routes.set("POST /v1/credentials", () => refusal);
    expect(await agentkeys(...issue)).toEqual({
      code: 1,
      stdout: "",
      stderr: "agentkeys: ERR_GRANT_TTL: at most 600 seconds\n  next: Ask for less.\n  request: req_1\n",
    });
    expect(JSON.parse((await agentkeys(...issue, "--json")).stderr)).toEqual({
      error: { code: "ERR_GRANT_TTL", message: "at most 600 seconds", next_step: "Ask for less.", request_id: "req_1" },
    });
  });
});
