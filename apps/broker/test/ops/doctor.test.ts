import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPlugins } from "../../src/boot/compose.ts";
import { readConfig } from "../../src/boot/read-config.ts";
import { describeConfig } from "../../src/programs/config-schema.ts";
import type { Finding } from "../../src/programs/doctor.ts";
import { freePort } from "../flows/harness.ts";
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

function write(toml: string): void {
  writeFileSync(join(folder, "agentkeys.toml"), `[broker]\nlisten = "127.0.0.1:${port}"\ndata_dir = "data"\n${toml}`);
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
      port: { status: "ok" },
      data: { status: "ok", found: expect.stringContaining("first start") },
    });
    expect(globSync("*", { cwd: folder })).toEqual(["agentkeys.toml"]);
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
    rmSync(join(folder, "data.high-water"), { recursive: true });
    const holder = createServer().listen(port, "127.0.0.1");
    await once(holder, "listening");
    const { code, of } = await doctor();
    holder.close();
    expect(code).toBe(1);
    expect(of("key workload")).toMatchObject({ status: "fail", next: expect.stringContaining("chmod 600") });
    expect(of("high-water file")).toMatchObject({
      status: "fail",
      next: expect.stringContaining("backup-and-recovery"),
    });
    expect(of("port")).toMatchObject({ status: "fail", next: expect.stringContaining("broker.listen") });
  });
  test("tells a configuration that cannot be used as its one finding, with 78", async () => {
    write('[audit]\nlog = "kafka"\n');
    const { code, of } = await doctor();
    expect(code).toBe(78);
    expect(of("configuration")).toMatchObject({
      status: "fail",
      found: expect.stringContaining("ERR_PLUGIN_NOT_INSTALLED"),
    });
  });
});

describe("config schema", () => {
  const validate = async (toml: string) => {
    const schema = describeConfig(await loadPlugins(readConfig(join(folder, "agentkeys.toml"))));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    return ajv.validate(schema, parse(toml)) ? [] : (ajv.errors ?? []).map((one) => one.instancePath);
  };
  test("is printed, and takes what the documents show", { timeout: 60_000 }, async () => {
    const { code, stdout } = await runProgram(["config", "schema"], folder);
    expect({ code, title: JSON.parse(stdout).title }).toEqual({ code: 0, title: "AgentKeys broker" });
    const page = readFileSync(join(import.meta.dirname, "../../../../docs/operate/configuration.md"), "utf8");
    const blocks = [...page.matchAll(/^```toml\n([\s\S]*?)^```$/gmu)].map(([, block = ""]) => block);
    expect(blocks.length).toBeGreaterThan(3);
    for (const block of blocks) expect({ block, wrong: await validate(block) }).toEqual({ block, wrong: [] });
  });
  test.each([
    ["a key nobody reads", "[broker]\nlisten_on = 1\n"],
    ["a duration that is a number", "[[ceiling]]\nissuer = 'oidc'\nscope = {}\nmax_ttl = 60\n"],
    ["an unknown policy of sign-up", "[accounts]\nsign_up = 'all'\n"],
    ["an unknown key of a plug-in's section", "[auth.walletsig]\nchains = [1]\n"],
    ["a setting of the log of another type", "[audit.sqlite]\nfile = 1\n"],
  ])("refuses %s", async (_, toml) => {
    expect(await validate(toml)).not.toEqual([]);
  });
});
