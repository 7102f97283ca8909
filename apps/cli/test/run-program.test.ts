import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { serveAwsCredentials, type AwsValue } from "./minting.ts";
import { needs } from "./needs.ts";
import { commandLine, watch, type Running } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";
import { lackingScript, startAtTerminal } from "./at-terminal.ts";

const person = useSignedIn();
const ask = ["--agent", "report", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::reports/*"];
const environment = { AWS_REGION: "eu-west-1" };

/** `agentkeys run` with a command behind it, as words for a shell. */
const underRun = (words: readonly string[]): readonly string[] => [
  process.execPath,
  ...commandLine,
  "run",
  ...ask,
  "--home",
  person.home.path,
  "--",
  ...words,
];

/** Starts it in a session of its own, so that no terminal sends it anything. */
async function startRun(...words: readonly string[]): Promise<Running> {
  await person.home.pair("report");
  const [program = "", ...args] = underRun(words);
  return watch(spawn(program, args, { detached: true, env: { ...process.env, ...environment } }));
}

/** A command that is this JavaScript, and waits until a signal. */
const script = (text: string): readonly string[] => [
  process.execPath,
  "--eval",
  `${text}; const waiting = setTimeout(() => process.exit(99), 20_000);`,
];

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the exit code of run", () => {
  it.each([
    ["0 of a command that is done", ["true"], 0],
    ["the command's", ["sh", "-c", "exit 7"], 7],
    ["the command's, also one that the CLI itself knows", ["sh", "-c", "exit 69"], 69],
    ["128 and the number of a signal", ["sh", "-c", "kill -TERM $$"], 143],
    ["that of a signal nobody catches", ["sh", "-c", "kill -KILL $$"], 137],
  ])("is %s", async (_, words, code) => {
    expect(await (await startRun(...words)).ended).toEqual({ code, stdout: "", stderr: "" });
  });

  it("is 127 where there is no such command, and 126 where it cannot be run", async () => {
    expect(await (await startRun("no-such-command")).ended).toEqual({
      code: 127,
      stdout: "",
      stderr: "agentkeys: no-such-command: command not found\n",
    });
    const plain = await person.home.folder.write("plain", "#!/bin/sh\n");
    for (const path of [plain, person.home.path]) {
      expect(await (await startRun(path)).ended).toEqual({
        code: 126,
        stdout: "",
        stderr: `agentkeys: ${path}: EACCES\n`,
      });
    }
  });
});

describe("a signal to run", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)("%s is the command's to handle", async (signal) => {
    const running = await startRun(
      ...script(
        `process.on("${signal}", () => { console.log("got it"); process.exitCode = 5; clearTimeout(waiting); }); console.log("ready");`,
      ),
    );
    await running.until(/ready/u);
    running.child.kill(signal);
    expect(await running.ended).toEqual({ code: 5, stdout: "ready\ngot it\n", stderr: "" });
  });

  it("ends a command that does not handle it, and nothing is left", async () => {
    const running = await startRun(...script(`console.log(process.pid);`));
    const [pid] = await running.until(/\d+/u);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 143, stderr: "" });
    expect(isAlive(Number(pid))).toBe(false);
  });

  it("does not end it while the command goes on", async () => {
    const running = await startRun(
      ...script(`process.on("SIGTERM", () => { console.log("not yet"); setTimeout(() => process.exit(3), 300); });
console.log("ready");`),
    );
    await running.until(/ready/u);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 3, stdout: "ready\nnot yet\n" });
  });
});

describe("the command of run", () => {
  it("ends with it where a note can no longer be written", async () => {
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_USED_UP"));
    const running = await startRun(
      ...script(`console.log(process.pid); process.stdin.once("data", () =>
fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN } }));`),
    );
    const [pid] = await running.until(/\d+/u);
    running.child.stderr.destroy();
    running.child.stdin.write("ask\n");
    expect(await running.ended).toMatchObject({ code: 141 });
    // Who takes it off the list is the machine's first process, in its own time.
    await expect.poll(() => isAlive(Number(pid)), { timeout: 10_000 }).toBe(false);
  });

  it.each([
    ["stdout", ["cat"]],
    ["stderr", ["sh", "-c", "cat >&2"]],
  ] as const)("reads its stdin and writes its %s, however large, unchanged", async (stream, words) => {
    const running = await startRun(...words);
    const large = randomBytes(3 * 1024 * 1024).toString("base64");
    running.child.stdin.end(large);
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended[stream] === large).toBe(true);
  });

  it("may wait for its stdin as if nothing stood before it", async () => {
    const running = await startRun("cat");
    for (const line of ["one", "two"]) {
      await setTimeout(700);
      running.child.stdin.write(`${line}\n`);
      await running.until(new RegExp(line, "u"));
    }
    running.child.stdin.end();
    expect(await running.ended).toEqual({ code: 0, stdout: "one\ntwo\n", stderr: "" });
  });
});

describe("at a terminal the command of run", () => {
  const atTerminal = async (...words: readonly string[]): Promise<Running> => {
    await person.home.pair("report");
    return startAtTerminal(underRun(words), environment);
  };

  it("has the terminal, as it was", async (context) => {
    needs(context, lackingScript);
    const plain = await startAtTerminal(["stty", "-g"]).ended;
    const { code, stdout } = await (
      await atTerminal("sh", "-c", "test -t 0 && test -t 1 && test -t 2 && stty -g")
    ).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: plain.stdout });
  });

  it("gets a Ctrl-C once, and run ends as it does", async (context) => {
    needs(context, lackingScript);
    const running = await atTerminal(
      ...script(`let count = 0; process.on("SIGINT", () => { count++; setTimeout(() => { console.log("count " + count); process.exit(9); }, 500); });
console.log("ready");`),
    );
    await running.until(/ready/u);
    running.child.stdin.write("\u0003");
    expect(await running.ended).toMatchObject({ code: 9, stdout: expect.stringContaining("count 1\r\n") });
  });
});

describe("the credential of run", () => {
  const lackingProc = process.platform === "linux" ? undefined : "the process list of Linux";

  it("stands in no argument, environment, file or note", async (context) => {
    needs(context, lackingProc);
    const served: readonly AwsValue[] = serveAwsCredentials(person.broker);
    const running = await startRun(
      ...script(`fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN } })
.then(async (answer) => { await answer.text(); console.log("ready", process.pid); });`),
    );
    const [, pid] = await running.until(/ready (\d+)/u);
    const seen = [
      ...globSync("/proc/[0-9]*/cmdline"),
      `/proc/${running.child.pid}/environ`,
      `/proc/${pid}/environ`,
    ].map(readIfThere);
    const files = readdirSync(person.home.folder.path, { recursive: true, encoding: "utf8" })
      .map((name) => join(person.home.folder.path, name))
      .filter((path) => statSync(path).isFile());
    const token = /AWS_CONTAINER_AUTHORIZATION_TOKEN=([^\0]+)/u.exec(readIfThere(`/proc/${pid}/environ`))![1]!;
    running.child.kill("SIGTERM");
    const { stdout, stderr } = await running.ended;
    const [value] = served;
    const everything = [...seen, ...files.map(readIfThere), stdout, stderr].join("\n");
    expect(everything).toContain("ready");
    for (const secret of [value!.access_key_id, value!.secret_access_key, value!.session_token]) {
      expect(everything).not.toContain(secret);
    }
    expect([...seen.slice(0, -2), ...files.map(readIfThere)].join("\n")).not.toContain(token);
  });
});

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
