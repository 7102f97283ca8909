import { hash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Finding } from "../../src/doctor/finding.ts";
import { freePort } from "../flows/harness.ts";
import { install } from "../flows/install.ts";
import { runProgram, startProgram } from "../programs.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
let folder: string;
let port: number;
beforeEach(async () => {
  mkdirSync(root, { recursive: true });
  folder = mkdtempSync(join(root, "d-"));
  port = await freePort();
  write("");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(toml: string, broker = ""): void {
  const own = `[broker]\nlisten = "127.0.0.1:${port}"\ndata_dir = "data"\n${broker}`;
  writeFileSync(join(folder, "agentkeys.toml"), `${own}\n${toml}`);
}

/** Starts the broker and stops it: its data and its log's first records are there. */
async function runOnce(): Promise<void> {
  const running = startProgram([], folder);
  await running.ready;
  running.kill("SIGTERM");
  await running.ended;
}

/** Every file below, with its mode, time and content. */
function snapshot(): Record<string, string> {
  const paths = (readdirSync(folder, { recursive: true }) as string[]).toSorted();
  return Object.fromEntries(
    paths.map((path) => {
      const stats = statSync(join(folder, path));
      const content = stats.isFile() ? hash("sha256", readFileSync(join(folder, path))) : "";
      return [path, `${stats.mode} ${stats.isFile() ? stats.mtimeMs : ""} ${content}`];
    }),
  );
}

async function doctor(): Promise<{ code: number | null; of: (check: string) => Finding | undefined }> {
  const { code, stdout, stderr } = await runProgram(["doctor", "--json"], folder);
  expect(stderr).toBe("");
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { code, of: (check) => findings.find((one) => one.check === check) };
}

describe("doctor", { timeout: 60_000 }, () => {
  test("finds nothing wrong before the first start, and makes nothing", async () => {
    const { code, of } = await doctor();
    expect({ code, port: of("port"), data: of("data_dir") }).toMatchObject({
      code: 0,
      port: { status: "ok", found: expect.stringContaining("is free") },
      data: { status: "ok", found: expect.stringContaining("first start") },
    });
    for (const plugin of ["auth.walletsig", "wallet.keystore", "audit.sqlite", "issuer.oidc"])
      expect(of(plugin)).toMatchObject({ status: "ok" });
    expect(globSync("*", { cwd: folder })).toEqual(["agentkeys.toml"]);
  });
  test("tells a stopped broker's log by its files and the newest head beside it, and leaves every byte as it was", async () => {
    await runOnce();
    const before = snapshot();
    const { code, of } = await doctor();
    expect({ code, file: of("high-water file"), log: of("audit.sqlite"), clock: of("clock") }).toMatchObject({
      code: 0,
      file: { status: "ok", found: expect.stringMatching(/at [1-9]\d* records/u) },
      log: {
        status: "ok",
        found: expect.stringMatching(/[1-9] files, .*; a start compares it with the high-water file/u),
      },
      clock: { status: "ok" },
    });
    expect(snapshot()).toEqual(before);
  });
  test("tries plug-ins where none of the broker's data is, and leaves nothing there", async () => {
    install(
      "agentkeys-audit-looks",
      `import { readdirSync } from "node:fs"; import { dirname } from "node:path";
export default { kind: "audit", name: "looks", apiVersion: 1, capabilities: ["anchor"], config,
  manifest: { minIntervalMs: 1000 },
  create: async (_config, host) => ({ ...life, head: async () => undefined, publish: async () => ({ status: "retry", afterMs: 1000, reason: "" }),
    ready: async () => {
      const folder = dirname(host.dataDirectory);
      return { status: "unready", reason: JSON.stringify({ folder, names: readdirSync(folder, { recursive: true }) }) };
    } }) };`,
    );
    write('[audit]\nanchors = ["looks"]\n[audit.looks]\nplugin = "@acme/agentkeys-audit-looks"\n');
    await runOnce();
    const seen = JSON.parse((await doctor()).of("audit.looks")?.found ?? "") as { folder: string; names: string[] };
    expect(seen.folder).not.toContain(folder);
    expect(seen.names.toSorted()).toEqual([
      "audit-looks",
      "auth-walletsig",
      "broker.db",
      "broker.db-shm",
      "broker.db-wal",
      "issuer-oidc",
      "wallet-keystore",
    ]);
    expect(existsSync(seen.folder)).toBe(false);
  });
  test("says that a broker hangs where its socket is held and nothing answers", async () => {
    const running = startProgram([], folder);
    await running.ready;
    running.kill("SIGSTOP");
    const { code, of } = await doctor();
    running.kill("SIGCONT");
    running.kill("SIGTERM");
    await running.ended;
    expect({ code, broker: of("broker"), log: of("audit.sqlite") }).toEqual({
      code: 1,
      broker: expect.objectContaining({ status: "fail", found: expect.stringContaining("it hangs") }),
      log: undefined,
    });
  });
  test("finds a clock that was put back", async () => {
    await runOnce();
    const later = Date.now() / 1000 + 3600;
    utimesSync(join(folder, "data.high-water/high-water"), later, later);
    const { code, of } = await doctor();
    expect({ code, clock: of("clock") }).toMatchObject({
      code: 1,
      clock: { status: "fail", next: expect.stringContaining("set the clock") },
    });
  });
  test("finds a high-water file whose data_dir is gone", async () => {
    await runOnce();
    rmSync(join(folder, "data"), { recursive: true });
    const { code, of } = await doctor();
    expect({ code, file: of("high-water file") }).toMatchObject({
      code: 1,
      file: { status: "fail", found: expect.stringContaining("has no data") },
    });
  });
  test("warns of an anchor that is not reached, fails for a mail server that is not, before any start", async () => {
    const nobody = await freePort();
    write(
      `[audit]
anchors = ["witness"]
[audit.witness]
url = "http://127.0.0.1:${nobody}"
vkey = "witness.example/w1+0453c6d5+BIBTu+EVl6+AYy+vVlbb3791yL49oGwip0PjT3zB8m7b"
[auth]
methods = ["email"]
[auth.email]
from = "AgentKeys <keys@acme.com>"
transport = "smtp"
[auth.email.smtp]
host = "127.0.0.1"
port = ${nobody}
security = "none"
`,
      `allow_private = ["127.0.0.1:${nobody}"]`,
    );
    const { code, of } = await doctor();
    expect({ code, anchor: of("audit.witness"), email: of("auth.email") }).toMatchObject({
      code: 1,
      anchor: { status: "warn", next: expect.stringContaining("readiness.md#audit-witness") },
      email: { status: "fail", next: expect.stringContaining("readiness.md#auth-email") },
    });
  });
  test("only warns of an anchor that says it is unready: a broker serves without it", async () => {
    install(
      "agentkeys-audit-asleep",
      `export default { kind: "audit", name: "asleep", apiVersion: 1, capabilities: ["anchor"], config,
  manifest: { minIntervalMs: 1000 },
  create: async () => ({ ...life, head: async () => undefined, publish: async () => ({ status: "retry", afterMs: 1000, reason: "asleep" }),
    ready: async () => ({ status: "unready", reason: "asleep" }) }) };`,
    );
    write('[audit]\nanchors = ["asleep"]\n[audit.asleep]\nplugin = "@acme/agentkeys-audit-asleep"\n');
    const { code, of } = await doctor();
    expect({ code, anchor: of("audit.asleep") }).toMatchObject({
      code: 0,
      anchor: { status: "warn", found: "asleep" },
    });
  });
  test("does not try a plug-in whose section names a place outside of data_dir", async () => {
    const elsewhere = join(folder, "elsewhere.db");
    install(
      "agentkeys-audit-elsewhere",
      `import { writeFileSync } from "node:fs";
export default { kind: "audit", name: "elsewhere", apiVersion: 1, capabilities: ["anchor"], config,
  manifest: { minIntervalMs: 1000 },
  create: async ({ file }) => {
    writeFileSync(file, "");
    return { ...life, head: async () => undefined, publish: async () => ({ status: "retry", afterMs: 1000, reason: "" }) };
  } };`,
    );
    write(`[audit]
anchors = ["elsewhere"]
[audit.elsewhere]
plugin = "@acme/agentkeys-audit-elsewhere"
file = ${JSON.stringify(elsewhere)}
`);
    const { of } = await doctor();
    expect(of("audit.elsewhere")).toMatchObject({ status: "warn", found: expect.stringContaining("not tried") });
    expect(existsSync(elsewhere)).toBe(false);
  });
  test("tells its own broker at the port from one of other data, and a public_url that is not reached", async () => {
    const nobody = await freePort();
    write("", `public_url = "https://127.0.0.1:${nobody}"`);
    const running = startProgram([], folder);
    await running.ready;
    const own = await doctor();
    write("", 'high_water_dir = "other.high-water"');
    const toml = readFileSync(join(folder, "agentkeys.toml"), "utf8");
    writeFileSync(join(folder, "agentkeys.toml"), toml.replace('data_dir = "data"', 'data_dir = "other"'));
    const other = await doctor();
    running.kill("SIGTERM");
    await running.ended;
    expect({ code: own.code, port: own.of("port"), url: own.of("public_url") }).toMatchObject({
      code: 0,
      port: { status: "ok", found: expect.stringContaining("the broker answers") },
      url: { status: "warn", found: expect.stringContaining("does not answer from here") },
    });
    expect({ code: other.code, port: other.of("port"), broker: other.of("broker") }).toMatchObject({
      code: 1,
      port: { status: "fail", found: expect.stringContaining("a broker of other data") },
      broker: { status: "warn" },
    });
  });
  test("tells how each plug-in of a running broker is", async () => {
    const running = startProgram([], folder);
    await running.ready;
    const { code, of } = await doctor();
    running.kill("SIGTERM");
    await running.ended;
    expect({ code, log: of("audit.sqlite"), broker: of("broker"), url: of("public_url") }).toMatchObject({
      code: 0,
      log: { status: "ok" },
      broker: { status: "ok" },
      url: { status: "ok" },
    });
    expect(of("high-water file")).toMatchObject({ status: "ok", found: expect.stringContaining("records") });
  });
  test("fails for keys that others can read, for a lost high-water folder and for a port that is taken, and says what to do", async () => {
    const running = startProgram([], folder);
    await running.ready;
    running.kill("SIGTERM");
    await running.ended;
    chmodSync(join(folder, "data/keys/workload.pem"), 0o644);
    symlinkSync("nowhere", join(folder, "data/keys/lost.pem"));
    rmSync(join(folder, "data.high-water"), { recursive: true });
    const holder = createServer().listen(port, "127.0.0.1");
    await once(holder, "listening");
    const { code, of } = await doctor();
    holder.close();
    expect(code).toBe(1);
    expect(of("key workload")).toMatchObject({ status: "fail", next: expect.stringContaining("chmod 600") });
    expect(of("key lost")).toMatchObject({ status: "fail", found: expect.stringContaining("leads nowhere") });
    expect(of("high-water file")).toMatchObject({
      status: "fail",
      next: expect.stringContaining("backup-and-recovery"),
    });
    expect(of("port")).toMatchObject({ status: "fail", next: expect.stringContaining("broker.listen") });
  });
  test("fails for an auditor's token with which no broker starts, until it is there, long enough and for its owner alone", async () => {
    write('[[audit.auditors]]\nname = "acme"\ntoken = { file = "token" }\n');
    expect((await doctor()).of("auditors")).toMatchObject({ status: "fail", found: expect.stringContaining("ENOENT") });
    writeFileSync(join(folder, "token"), "a".repeat(32), { mode: 0o644 });
    expect((await doctor()).of("auditors")?.found).toContain("chmod 600");
    chmodSync(join(folder, "token"), 0o600);
    const { code, of } = await doctor();
    expect({ code, auditors: of("auditors") }).toMatchObject({ code: 0, auditors: { status: "ok", found: "acme" } });
  });
  test("tells a configuration that cannot be used as its one finding, with 78", async () => {
    write('[audit]\nlog = "kafka"\n');
    const { code, of } = await doctor();
    expect(code).toBe(78);
    expect(of("configuration")).toMatchObject({
      status: "fail",
      found: expect.stringContaining("ERR_PLUGIN_NOT_INSTALLED"),
      next: expect.stringMatching(/./u),
    });
  });
});
