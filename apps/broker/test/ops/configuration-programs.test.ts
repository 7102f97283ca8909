import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPlugins } from "../../src/boot/compose.ts";
import { readConfig } from "../../src/boot/read-config.ts";
import { commands } from "../../src/programs/commands.ts";
import { checkConfig } from "../../src/programs/config-check.ts";
import { describeConfig } from "../../src/programs/config-schema.ts";
import { runProgram } from "../programs.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
let folder: string;
beforeEach(() => {
  mkdirSync(root, { recursive: true });
  folder = mkdtempSync(join(root, "c-"));
  write("");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(toml: string): void {
  writeFileSync(join(folder, "agentkeys.toml"), `[broker]\ndata_dir = "data"\n${toml}`);
}

describe("config check", { timeout: 60_000 }, () => {
  const row = (action: string): string =>
    `[[rights]]\nwho = { role = "operator" }\nissuer = "oidc"\nscope = { actions = ["${action}"], resources = ["https://*"] }\nmax_ttl = "1h"\n`;
  test("tells rights that their issuer can never serve by their path, and makes nothing", async () => {
    write(row("token") + row("read"));
    const { code, stdout, stderr } = await runProgram(["config", "check"], folder);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(/ERR_CONFIG_INVALID[\s\S]*rights\.1\.scope: the issuer oidc takes no scope/u);
    expect(stderr).not.toContain("rights.0");
    expect(globSync("*", { cwd: folder })).toEqual(["agentkeys.toml"]);
  });
  test("takes rights that can be served", async () => {
    write(row("token"));
    const { code, stdout } = await runProgram(["config", "check"], folder);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("the configuration is good") });
  });
});

describe("help", { timeout: 60_000 }, () => {
  test.each(commands.map(({ name, options }) => [name, Object.keys(options)] as const).filter(([name]) => name !== ""))(
    "of %s has each option, the exit codes and an example",
    async (name, options) => {
      const { code, stdout } = await runProgram([...name.split(" "), "--help"], folder);
      expect(code).toBe(0);
      for (const option of [...options, "config", "help"])
        expect(stdout).toMatch(new RegExp(`^  --${option}\\b.*  \\S`, "mu"));
      expect(stdout).toMatch(new RegExp(`Example:\n  agentkeys-broker ${name}`, "u"));
      expect(stdout).toContain("Exit codes: ");
    },
  );
  test.each([["frobnicate"], ["config"], ["doctor", "--nope"], ["doctor", "more"], ["--config"]])(
    "usage that is none (%s %s) is 64 with the usage on stderr",
    async (...words) => {
      const { code, stdout, stderr } = await runProgram(words.filter(Boolean), folder);
      expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
      expect(stderr).toContain("agentkeys-broker");
    },
  );
  test("an option that there is not is named, not what stands behind it", async () => {
    const { stderr } = await runProgram(["--conifg", "agentkeys.toml"], folder);
    expect(stderr).toMatch(/^unknown option: --conifg\n/u);
  });
});

/** True for a file that `config check` takes. */
async function loads(file: string): Promise<boolean> {
  try {
    await checkConfig(readConfig(file), () => undefined);
    return true;
  } catch {
    return false;
  }
}

describe("config schema", () => {
  const validate = async (toml: string) => {
    const schema = describeConfig(await loadPlugins(readConfig(join(folder, "agentkeys.toml"))));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    return ajv.validate(schema, parse(toml)) ? [] : (ajv.errors ?? []).map((one) => one.instancePath);
  };
  test("is printed, and takes what the documents show", { timeout: 60_000 }, async () => {
    const { code, stdout } = await runProgram(["config", "schema"], folder);
    expect({ code, title: JSON.parse(stdout).title }).toEqual({ code: 0, title: "AgentKeys broker" });
    const top = join(import.meta.dirname, "../../../..");
    const pages = globSync(["docs/**/*.md", "README.md", "packages/*/README.md", "apps/*/README.md"], { cwd: top });
    const blocks = pages.flatMap((page) =>
      [...readFileSync(join(top, page), "utf8").matchAll(/^```toml\n([\s\S]*?)^```$/gmu)].map(
        ([, block = ""]) => block,
      ),
    );
    const file = join(folder, "agentkeys.toml");
    let taken = 0;
    for (const block of blocks) {
      writeFileSync(file, block);
      const isTaken = await loads(file);
      if (!isTaken) continue;
      taken++;
      expect({ block, wrong: await validate(block) }).toEqual({ block, wrong: [] });
    }
    expect(taken).toBeGreaterThan(10);
  });
  test("says what JSON Schema cannot, in the words of config check", async () => {
    const schema = describeConfig(await loadPlugins(readConfig(join(folder, "agentkeys.toml"))));
    expect(schema).toMatchObject({
      properties: {
        broker: { properties: { public_url: { type: "string", description: expect.stringContaining("https URL") } } },
        ceiling: {
          items: { properties: { max_ttl: { type: "string", description: expect.stringContaining('"1h"') } } },
        },
      },
    });
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
