import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commandLine, run, watch, type Ended } from "./run-command.ts";

describe("the program", () => {
  it("says what it can do, its exit codes and the first steps", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const part of [
      "init",
      "login",
      "whoami",
      "agents",
      "grants",
      "issue",
      "audit",
      "Exit codes: 0 done",
      "First steps:",
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it.each([
    ["init wallet", "agentkeys init wallet --restore"],
    ["init email", "agentkeys init email ada@example.com"],
    ["login", "agentkeys login --wallet default"],
    ["agents pair", "agentkeys agents pair --name report"],
    ["agents approve", "agentkeys agents approve WDJB-MJHT"],
    ["grants create", "agentkeys grants create --agent report"],
    ["grants explain", "agentkeys grants explain --agent report"],
    ["issue", "agentkeys issue --agent report"],
    ["run", "agentkeys run --agent report -- aws s3 ls"],
    ["aws-credentials", "credential_process = agentkeys aws-credentials --agent report"],
    ["token-file", "agentkeys token-file --agent report --resource https://sts.example.com --out token -- aws s3 ls"],
    ["audit show", "agentkeys audit show"],
    ["audit verify", "agentkeys audit verify receipt.json"],
  ])("%s has help with an example and the options of every command", async (command, example) => {
    const { stdout } = await run([...command.split(" "), "--help"]);
    expect(stdout).toContain(example);
    for (const option of ["--broker <url>", "--home <dir>", "--json", "--passphrase-file <file>"]) {
      expect(stdout).toContain(option);
    }
  });

  it.each([
    ["issue", "(default: 10m)"],
    ["grants explain", "(default: 10m)"],
    ["audit verify", "(default: signed)"],
    ["login", "(alone: 0)"],
  ])("%s has help that shows its default as one would type it: %s", async (command, shown) => {
    const { stdout } = await run([...command.split(" "), "--help"]);
    expect(stdout.replaceAll(/\s+/gu, " ")).toContain(shown);
  });

  it.each([
    ["no command", []],
    ["an unknown command", ["fly"]],
    ["an unknown option", ["whoami", "--fly"]],
    ["a broker that is another machine over plain http", ["whoami", "--broker", "http://keys.example"]],
  ])("ends with 64 and a reason for %s", async (_, args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(/^(agentkeys: |Usage: agentkeys )/u);
    expect(stderr).not.toContain("outputHelp");
  });

  it("decodes an error code, and says so of text that is none", async () => {
    const { stdout } = await run(["errors", "decode", "err_request_rate_limited", "--json"]);
    expect(JSON.parse(stdout)).toEqual({
      code: "ERR_REQUEST_RATE_LIMITED",
      meaning: "Too many requests.",
      next_step: "Wait the named number of seconds.",
      fault: "caller",
      retry: "later",
      status: 429,
      oauth: "slow_down",
    });
    expect((await run(["errors", "decode", "toString"])).code).toBe(64);
  });

  it("takes its home from the environment where no option names one", async () => {
    const { code, stderr } = await run(["whoami"], { AGENTKEYS_HOME: "/nowhere/at/all" });
    expect({ code, stderr }).toMatchObject({ code: 78, stderr: expect.stringContaining("/nowhere/at/all") });
  });
});

describe("an old Node", () => {
  /** The program under a Node that says it is of another version: only the first file may have been read. */
  const runAs = async (version: string): Promise<Ended> => {
    const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const { child, ended } = watch(spawn(process.execPath, ["--import", preload, ...commandLine, "--version"]));
    child.stdin.end();
    return ended;
  };

  it.each(["20.20.2", "22.11.0", "18.0.0"])("%s is told which it needs, in one line, with 78", async (version) => {
    expect(await runAs(version)).toEqual({
      code: 78,
      stdout: "",
      stderr: `ERR_CONFIG_NODE_VERSION: agentkeys needs Node.js 22.14 or newer, this is ${version}\n`,
    });
  });

  it.each(["22.14.0", "24.0.0", "30.1.0"])("%s is new enough", async (version) => {
    expect(await runAs(version)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/u) });
  });
});
