import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseVkey } from "@agentkeys/log";
import { createTestLog } from "@agentkeys/testkit";
import { expect, onTestFinished, test, vi } from "vitest";
import { main } from "../src/witness/main.ts";
import { makeFolder, run as runProcess, startWitness, submit, type Ended } from "./support.ts";

/** Runs the program within this process: what it says is kept, not printed. */
async function run(...args: readonly string[]): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += String(text);
      return true;
    });
  }
  const code = await main(args).finally(() => vi.restoreAllMocks());
  return { code, ...said };
}

function makeTestFolder(): string {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  return path;
}

async function start(folder: string, ...args: string[]): ReturnType<typeof startWitness> {
  const witness = await startWitness(folder, ...args);
  onTestFinished(async () => void (await witness.end("SIGKILL")));
  return witness;
}

test("keygen makes a key for its owner alone, prints its vkey, and never writes over a file", async () => {
  const file = join(makeTestFolder(), "key");
  const made = await runProcess("keygen", "--out", file, "--name", "witness.example/w1");
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(parseVkey(made.stdout.trim())).toMatchObject({ name: "witness.example/w1", algorithm: 4 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, "utf8");
  const again = await run("keygen", "--out", file, "--name", "witness.example/w1");
  expect(again).toMatchObject({ code: 78, stdout: "" });
  expect(again.stderr).toContain("ERR_CONFIG_KEY_FILE");
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("a wrong command line exits 64 and says how it is used", async () => {
  const wrong = [
    [],
    ["start"],
    ["keygen"],
    ["keygen", "--out", "x"],
    ["keygen", "--out", "x", "--name", "a b"],
    ["keygen", "--out", "x", "--name", "a+b"],
    ["keygen", "--out", "x", "--name", "n", "--more"],
    ["serve", "--key", "k", "--state", "s"],
    ["serve", "--key", "k", "--listen", "127.0.0.1:0"],
    ["serve", "--key", "k", "--state", "s", "--listen", "nowhere"],
    ["serve", "--key", "k", "--state", "s", "--listen", "127.0.0.1:70000"],
    ["serve", "surplus", "--key", "k", "--state", "s", "--listen", "127.0.0.1:0"],
  ];
  for (const args of wrong) {
    const { code, stdout, stderr } = await run(...args);
    expect({ args, code, stdout }).toEqual({ args, code: 64, stdout: "" });
    expect(stderr).toContain("agentkeys-witness serve --key FILE");
  }
  expect(await run("--help")).toMatchObject({ code: 0, stderr: "" });
});

test("the process ends with the code, and says why on standard error alone", async () => {
  expect(await runProcess("start")).toMatchObject({
    code: 64,
    stdout: "",
    stderr: expect.stringContaining("keygen or serve"),
  });
  const none = join(makeTestFolder(), "none");
  const ended = await runProcess("serve", "--key", none, "--state", none, "--listen", "127.0.0.1:0");
  expect(ended).toEqual({ code: 78, stdout: "", stderr: `ERR_CONFIG_KEY_FILE: ${none}: there is no such file\n` });
});

test("what the operator must correct exits 78 with a code and the place", async () => {
  const folder = makeTestFolder();
  const key = join(folder, "key");
  const log = createTestLog();
  await run("keygen", "--out", key, "--name", "w");
  const text = readFileSync(key, "utf8");
  const bad = join(folder, "bad");
  const serve = (...args: string[]) =>
    run("serve", "--state", join(folder, "state"), "--listen", "127.0.0.1:0", ...args);
  const expectRefusal = async (ended: Promise<Awaited<ReturnType<typeof run>>>, code: string): Promise<void> => {
    const { stderr, ...rest } = await ended;
    expect(rest).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^${code}: .+\n$`, "u"));
  };
  await expectRefusal(serve("--key", join(folder, "none")), "ERR_CONFIG_KEY_FILE");
  for (const wrong of ["", "nonsense", text.replace("PRIVATE", "PUBLIC"), text.replace("+w+", "+v+"), `${text}\n`]) {
    writeFileSync(bad, wrong, { mode: 0o600 });
    await expectRefusal(serve("--key", bad), "ERR_CONFIG_KEY_FILE");
  }
  await expectRefusal(serve("--key", key, "--log", "nonsense"), "ERR_CONFIG_INVALID");
  await expectRefusal(
    serve("--key", key, "--log", (await run("keygen", "--out", join(folder, "k2"), "--name", "w")).stdout.trim()),
    "ERR_CONFIG_INVALID",
  );
  await expectRefusal(serve("--key", key, "--logs", join(folder, "none")), "ERR_CONFIG_INVALID");
  writeFileSync(bad, `${log.vkey}\nnonsense\n`);
  await expectRefusal(serve("--key", key, "--logs", bad), "ERR_CONFIG_INVALID");
  await expectRefusal(
    run("serve", "--key", key, "--state", join(folder, "s"), "--listen", "203.0.113.1:1"),
    "ERR_CONFIG_LISTEN",
  );
  chmodSync(key, 0o644);
  await expectRefusal(serve("--key", key), "ERR_CONFIG_KEY_FILE");
});

test("SIGTERM ends it with 0, and what it cosigned is there when it starts again", async () => {
  const folder = makeTestFolder();
  const log = createTestLog();
  log.grow(3);
  const first = await start(folder, "--log", log.vkey);
  expect(await submit(first.url, log, 0)).toMatchObject({ status: 200 });
  expect(await first.end()).toBe(0);
  expect(existsSync(join(folder, "state", "lock"))).toBe(false);
  const second = await start(folder, "--log", log.vkey);
  expect(second.vkey).toBe(first.vkey);
  expect(await submit(second.url, log, 0)).toMatchObject({ status: 409, body: "3\n" });
});

test("a second witness on one state is refused while the first runs, and not after it was killed", async () => {
  const folder = makeTestFolder();
  const first = await start(folder);
  await expect(start(folder)).rejects.toThrow(/ended with 78: ERR_CONFIG_INVALID: --state: process/u);
  await first.end("SIGKILL");
  expect(existsSync(join(folder, "state", "lock"))).toBe(true);
  await start(folder);
});

test("a state that another key cosigned, or that was changed, is refused", async () => {
  const folder = makeTestFolder();
  const log = createTestLog();
  log.grow(3);
  const first = await start(folder, "--log", log.vkey);
  await submit(first.url, log, 0);
  await first.end();
  const file = join(folder, "state", `${log.logId}.note`);
  const note = readFileSync(file, "utf8");
  for (const changed of [
    note.replace("\n3\n", "\n2\n"),
    note.split("\n").slice(0, -2).join("\n") + "\n",
    "",
    "nonsense",
  ]) {
    writeFileSync(file, changed);
    await expect(start(folder, "--log", log.vkey)).rejects.toThrow(/ended with 78: ERR_CONFIG_INVALID/u);
  }
  writeFileSync(file, note);
  await start(folder, "--log", log.vkey);
});
