// Backup and restore, by the real programs: what comes back is what was there, under a new epoch, and nobody is signed in.
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, claim, freePort, grant, pair, signIn, type ReachableBroker } from "../flows/harness.ts";
import { runProgram, startProgram, type RunningProgram } from "../programs.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
let folder: string;
let url: string;
let running: RunningProgram | undefined;

beforeEach(async () => {
  mkdirSync(root, { recursive: true });
  folder = mkdtempSync(join(root, "k-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, "agentkeys.toml"), `[broker]\nlisten = "127.0.0.1:${port}"\ndata_dir = "data"\n`);
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<ReachableBroker> {
  running = startProgram([], folder);
  await running.ready;
  return { url, claimCode: () => readFileSync(join(folder, "data/claim-code"), "utf8").trim() };
}

async function stop(): Promise<void> {
  if (running === undefined) return;
  running.kill("SIGTERM");
  await running.ended;
  running = undefined;
}

const program = async (...args: string[]) => runProgram(args, folder);
const origins = async () => {
  const { log } = (await (await fetch(`${url}/.well-known/agentkeys`)).json()) as {
    log: { epochs: { origin: string; size: number }[] };
  };
  return log.epochs.map(({ origin }) => origin);
};

test(
  "a backup of a running broker is restored as a new epoch, with its accounts and grants and without a session",
  { timeout: 120_000 },
  async () => {
    const broker = await start();
    const { caller: person, wallet, account } = await claim(broker);
    const { agent, id } = await pair(broker, person);
    await grant(person, id);
    const before = await ask(agent);
    expect(before.status).toBe(200);
    const made = await program("backup", "copy");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(statSync(join(folder, "copy")).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "copy/broker.db")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "copy"))).not.toContain("control.sock");
    // The broker went on, and what comes now is lost with it.
    expect((await ask(agent)).status).toBe(200);
    const [epoch] = await origins();
    await stop();

    expect(await program("restore", "copy", "--new-epoch", "--yes")).toMatchObject({ code: 78 });
    renameSync(join(folder, "data"), join(folder, "lost"));
    const restored = await program("restore", "copy", "--new-epoch", "--yes");
    expect(restored).toMatchObject({ code: 0 });
    expect(restored.stdout).toContain("every session of 1 accounts was ended");

    await start();
    expect(await origins()).toEqual([epoch, expect.stringMatching(/\/2$/u)]);
    expect((await ask(agent)).body.code).toBe("ERR_SESSION_TOKEN");
    expect((await person.call("GET", "/v1/account")).status).toBe(401);
    const again = await signIn(person, wallet);
    expect(again.body.account).toBe(account);
    person.take(again.body);
    expect((await person.call("GET", "/v1/grants")).body.grants).toHaveLength(1);
    const records = (await person.call("GET", "/v1/audit/records?limit=100")).body.records as { type: string }[];
    expect(records.map(({ type }) => type)).toContain("session revoked");
    // Those of the epoch before are there too, at indexes below 0, and can be paged through.
    const older = await person.call("GET", "/v1/audit/records?limit=100&before=0");
    expect((older.body.records as { type: string }[]).map(({ type }) => type)).toContain("issued");
    const [{ id: record }] = older.body.records.filter(({ type }: { type: string }) => type === "issued");
    expect((await person.call("GET", `/v1/audit/receipts/${record}`)).status).toBe(200);
  },
);

test(
  "a backup restored twice goes on under two origins and two keys, also where no high-water file tells of the first",
  { timeout: 120_000 },
  async () => {
    await start();
    expect((await program("backup", "copy")).code).toBe(0);
    await stop();
    const restoreAgain = async () => {
      for (const lost of ["data", "data.high-water"]) rmSync(join(folder, lost), { recursive: true });
      expect((await program("restore", "copy", "--new-epoch", "--yes")).code).toBe(0);
      await start();
      const { log } = (await (await fetch(`${url}/.well-known/agentkeys`)).json()) as {
        log: { epochs: { origin: string; vkeys: string[] }[] };
      };
      await stop();
      return log.epochs;
    };
    const [[before, first], [same, second]] = [await restoreAgain(), await restoreAgain()];
    expect(same).toEqual(before);
    expect(second?.origin).not.toBe(first?.origin);
    expect(second?.vkeys).not.toEqual(first?.vkeys);
  },
);

test(
  "a restore that is killed leaves no data_dir, least of all one with sessions, and is done again",
  { timeout: 120_000 },
  async () => {
    await start();
    expect((await program("backup", "copy")).code).toBe(0);
    await stop();
    for (const lost of ["data", "data.high-water"]) rmSync(join(folder, lost), { recursive: true });
    for (const line of [/is whole/u, /every session/u]) {
      const cut = startProgram(["restore", "copy", "--new-epoch", "--yes"], folder);
      await cut.says(line);
      cut.kill("SIGKILL");
      await cut.ended;
      expect(readdirSync(folder)).not.toContain("data");
    }
    // Nor does one that goes on take away what a broker has made there meanwhile.
    const late = startProgram(["restore", "copy", "--new-epoch", "--yes"], folder);
    await late.says(/is whole/u);
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data/broker.db"), "new");
    expect(await late.ended).toMatchObject({ code: 78, stderr: expect.stringContaining("it is not empty") });
    expect(readFileSync(join(folder, "data/broker.db"), "utf8")).toBe("new");
    rmSync(join(folder, "data/broker.db"));
    expect((await program("restore", "copy", "--new-epoch", "--yes")).code).toBe(0);
    expect(readdirSync(folder)).not.toContain("data.restoring");
    await start();
    expect(await origins()).toHaveLength(2);
  },
);

test(
  "a copy that is cut short, changed or reaches out of its folder is not restored, and data_dir stays as it is",
  { timeout: 120_000 },
  async () => {
    await start();
    expect((await program("backup", "copy")).code).toBe(0);
    await stop();
    rmSync(join(folder, "data"), { recursive: true });
    const attempt = async (change: (copy: string) => void) => {
      const copy = join(folder, "changed");
      rmSync(copy, { recursive: true, force: true });
      cpSync(join(folder, "copy"), copy, { recursive: true });
      change(copy);
      const { code, stderr } = await program("restore", "changed", "--new-epoch", "--yes");
      expect({ code, isThere: readdirSync(folder).includes("data") }).toEqual({ code: 78, isThere: false });
      return stderr;
    };
    const manifest = (copy: string) => join(copy, "manifest.json");
    expect(await attempt((copy) => rmSync(manifest(copy)))).toContain("no whole backup");
    expect(await attempt((copy) => rmSync(join(copy, "broker.db")))).toContain("broker.db is missing");
    expect(await attempt((copy) => appendFileSync(join(copy, "broker.db"), "x"))).toContain("broker.db was changed");
    const climb = (copy: string) =>
      writeFileSync(manifest(copy), readFileSync(manifest(copy), "utf8").replace('"broker.db"', '"../agentkeys.toml"'));
    expect(await attempt(climb)).toContain("no manifest of a backup");
  },
);

test(
  "a backup goes into no folder that holds something, and a new epoch has to be asked for",
  { timeout: 60_000 },
  async () => {
    await start();
    mkdirSync(join(folder, "full"));
    writeFileSync(join(folder, "full/file"), "");
    expect(await program("backup", "full")).toMatchObject({ code: 78, stderr: expect.stringContaining("not empty") });
    await stop();
    // Without a running broker the program makes the copy by itself.
    expect((await program("backup", "copy")).code).toBe(0);
    expect(await program("restore", "copy")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("--new-epoch"),
    });
    expect(await program("restore", "copy", "--new-epoch")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("--yes"),
    });
  },
);

test(
  "a backup neither goes into data_dir nor comes from it, by whatever name, and nothing is made of the attempt",
  { timeout: 60_000 },
  async () => {
    symlinkSync("data", join(folder, "link"));
    const attempt = async () => {
      for (const args of [
        ["backup", "data"],
        ["backup", "data/copies/today"],
        ["backup", "link/copy"],
        ["backup", "."],
        ["restore", "data", "--new-epoch", "--yes"],
        ["restore", "link/copy", "--new-epoch", "--yes"],
        ["restore", "data.restoring", "--new-epoch", "--yes"],
        ["restore", ".", "--new-epoch", "--yes"],
      ])
        expect({ args, ...(await program(...args)) }).toMatchObject({
          code: 64,
          stderr: expect.stringMatching(/lies? in .*: keep backups apart/u),
        });
    };
    await attempt();
    expect(readdirSync(folder).toSorted()).toEqual(["agentkeys.toml", "link"]);
    await start();
    const before = readdirSync(join(folder, "data")).toSorted();
    await attempt();
    expect(readdirSync(join(folder, "data")).toSorted()).toEqual(before);
    // A name that only begins alike is another folder.
    expect((await program("backup", "data-copy")).code).toBe(0);
  },
);

test("a second broker on the same data ends before it touches it", { timeout: 60_000 }, async () => {
  await start();
  const second = await runProgram([], folder);
  expect(second).toMatchObject({ code: 78, stderr: expect.stringContaining("ERR_AUDIT_IN_USE") });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("so it does beside one that hangs", { timeout: 60_000 }, async () => {
  await start();
  running?.kill("SIGSTOP");
  const second = await runProgram([], folder);
  running?.kill("SIGCONT");
  expect(second).toMatchObject({ code: 78, stderr: expect.stringContaining("ERR_AUDIT_IN_USE") });
});

test("a killed broker's socket keeps nobody out", { timeout: 60_000 }, async () => {
  await start();
  running?.kill("SIGKILL");
  await running?.ended;
  await start();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("keys are made ahead, and rotated under a running broker", { timeout: 60_000 }, async () => {
  const made = await program("keygen");
  expect(made).toMatchObject({ code: 0 });
  await start();
  const kids = async () =>
    ((await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map(
      ({ kid }) => kid,
    );
  const first = await kids();
  for (const kid of made.stdout.match(/(?<=^ES256 {2}).*$/gmu) ?? []) expect(first).toContain(kid);
  const turned = await program("keygen", "--rotate", "workload");
  const [, kid = ""] = /^workload: (.*)$/mu.exec(turned.stdout) ?? [];
  expect(turned.stdout).toContain("the running broker signs with it");
  expect(await kids()).toContain(kid);
  const log = await program("keygen", "--rotate", "log");
  const [, vkey] = /^log: (.*)$/mu.exec(log.stdout) ?? [];
  const known = (await (await fetch(`${url}/.well-known/agentkeys`)).json()) as { log: { vkey: string } };
  expect(known.log.vkey).toBe(vkey);
  expect(await program("keygen", "--rotate", "everything")).toMatchObject({ code: 64 });
});

test("each command says what it is for", { timeout: 60_000 }, async () => {
  for (const [args, said] of [
    [["--help"], "agentkeys-broker restore DIR --new-epoch"],
    [["backup", "--help"], "agentkeys-broker backup DIR"],
    [["config", "check", "-h"], "opens no socket"],
  ] as const) {
    const { code, stdout } = await program(...args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(said) });
  }
  for (const args of [["bakcup"], ["backup"], ["backup", "a", "b"], ["--colour"]])
    expect((await program(...args)).code).toBe(64);
});
