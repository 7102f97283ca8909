// The files that operators start the programs with, held against the packages they come with.
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadPlugins } from "../apps/broker/src/boot/compose.ts";
import { readConfig } from "../apps/broker/src/boot/read-config.ts";
import { freePort } from "../apps/broker/test/flows/harness.ts";
import { startProgram } from "../apps/broker/test/programs.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const services = [
  { unit: "apps/broker/deploy/agentkeys-broker.service", folder: "/opt/agentkeys", program: "agentkeys-broker" },
  {
    unit: "packages/audit-witness/deploy/agentkeys-witness.service",
    folder: "/opt/agentkeys-witness",
    program: "agentkeys-witness",
  },
];

/** The values of a setting, in order. */
const valuesOf = (unit: string, key: string): string[] =>
  [...read(unit).matchAll(new RegExp(`^${key}=(.*)$`, "gmu"))].map(([, value = ""]) => value);

const manifestBeside = (file: string) =>
  JSON.parse(read(join(dirname(dirname(file)), "package.json"))) as { bin: Record<string, string>; files: string[] };

describe.each(services)("$unit", ({ unit, folder, program }) => {
  it("is in the package, and starts a program of it where npm puts it", () => {
    const { bin, files } = manifestBeside(unit);
    expect(files).toContain("deploy");
    expect(Object.keys(bin)).toContain(program);
    const [line = ""] = valuesOf(unit, "ExecStart");
    expect(line.split(" ")[0]).toBe(`${folder}/node_modules/.bin/${program}`);
    expect(valuesOf(unit, "WorkingDirectory")).toEqual([folder]);
  });

  it("gives the program options that it takes", () => {
    const [line = ""] = valuesOf(unit, "ExecStart");
    const options = [...line.matchAll(/ (--[a-z-]+)/gu)].map(([, option = ""]) => option);
    const source = join(root, dirname(dirname(unit)), program === "agentkeys-broker" ? "src" : "src/witness", "bin.ts");
    const help = spawnSync(process.execPath, ["--conditions=agentkeys-source", source, "--help"], { encoding: "utf8" });
    expect(help.status).toBe(0);
    expect(options.length).toBeGreaterThan(0);
    expect(options.filter((option) => !help.stdout.includes(option))).toEqual([]);
  });

  it("is not started again after what only an operator can mend, and is given the time it needs to stop", () => {
    expect(valuesOf(unit, "RestartPreventExitStatus")).toEqual(["64 78"]);
    expect(Number.parseInt(valuesOf(unit, "TimeoutStopSec")[0] ?? "", 10)).toBeGreaterThan(12);
  });
});

// Under CI the program has to be there: tools/ci-packages.txt brings it.
const analyze = (...args: readonly string[]) => spawnSync("systemd-analyze", args, { encoding: "utf8" });
const isMissing = analyze("--version").error !== undefined;

describe.skipIf(isMissing && !(process.env["CI"] !== undefined && process.platform === "linux"))(
  "systemd-analyze",
  () => {
    let place: string;
    beforeAll(() => {
      place = mkdtempSync(join(tmpdir(), "agentkeys-units-"));
    });
    afterAll(() => rmSync(place, { recursive: true, force: true }));

    it.each(services)("finds nothing wrong in $unit", ({ unit, folder, program }) => {
      // It looks whether the program is there: one stands in for it.
      const stand = join(place, `${program}-program`);
      writeFileSync(stand, "");
      chmodSync(stand, 0o755);
      const copy = join(place, `${program}.service`);
      writeFileSync(copy, read(unit).replace(`${folder}/node_modules/.bin/${program}`, stand));
      const found = analyze("verify", "--man=no", copy);
      expect({ status: found.status, told: found.stdout + found.stderr }).toEqual({ status: 0, told: "" });
    });

    it.each(services)("rates the exposure of $unit below 2 of 10", ({ unit }) => {
      const found = analyze("security", "--offline=true", "--threshold=20", "--no-pager", join(root, unit));
      expect({ status: found.status, told: found.status === 0 ? "" : found.stdout + found.stderr }).toEqual({
        status: 0,
        told: "",
      });
    });
  },
);

describe("apps/broker/deploy/agentkeys.toml", () => {
  const example = "apps/broker/deploy/agentkeys.toml";

  it("is a configuration whose every plug-in takes its settings", async () => {
    const beside = join(root, "apps/broker/.agentkeys-test");
    mkdirSync(beside, { recursive: true });
    const place = mkdtempSync(join(beside, "deploy-"));
    try {
      writeFileSync(join(place, "agentkeys.toml"), read(example));
      const config = readConfig(join(place, "agentkeys.toml"));
      expect((await loadPlugins(config)).length).toBe(config.plugins.length);
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it("keeps its data in the folders that the unit makes", () => {
    const { dataDirectory, highWaterDirectory } = readConfig(join(root, example));
    const [made = ""] = valuesOf("apps/broker/deploy/agentkeys-broker.service", "StateDirectory");
    const folders = made.split(" ").map((name) => `/var/lib/${name}`);
    expect([dataDirectory, highWaterDirectory]).toEqual(folders);
  });
});

describe("apps/broker/deploy/Containerfile", () => {
  const file = "apps/broker/deploy/Containerfile";
  const instructions = read(file)
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const argumentOf = (name: string): string => {
    const found = instructions.find((line) => line.startsWith(`${name} `)) ?? "";
    return found.slice(name.length + 1).trim();
  };

  it("starts a program of the package, in exec form, as a user that is not root", () => {
    const [program = ""] = JSON.parse(argumentOf("ENTRYPOINT")) as string[];
    expect(program).toBe("/app/node_modules/.bin/agentkeys-broker");
    expect(Object.keys(manifestBeside(file).bin)).toContain("agentkeys-broker");
    expect(argumentOf("USER")).toBe("node");
    expect(argumentOf("STOPSIGNAL")).toBe("SIGTERM");
  });

  it("has volumes where the example keeps its data", () => {
    const { dataDirectory, highWaterDirectory, listen } = readConfig(join(root, "apps/broker/deploy/agentkeys.toml"));
    expect(JSON.parse(argumentOf("VOLUME"))).toEqual([dataDirectory, highWaterDirectory]);
    expect(argumentOf("EXPOSE")).toBe(String(listen.port));
  });

  it(
    "asks for its health by a command that tells a broker that serves from every other",
    { timeout: 60_000 },
    async () => {
      const [program = "", ...rest] = JSON.parse(
        / CMD (\[.*\])$/u.exec(argumentOf("HEALTHCHECK"))?.[1] ?? "[]",
      ) as string[];
      expect(program).toBe("node");
      const port = await freePort();
      const command = rest.map((argument) => argument.replace("127.0.0.1:8787", `127.0.0.1:${port}`));
      expect(command).not.toEqual(rest);
      const [longest = ""] = /(?<=--timeout=)\d+/u.exec(argumentOf("HEALTHCHECK")) ?? [];
      const ask = (words: readonly string[]) =>
        new Promise<{ status: unknown; told: string }>((resolve) => {
          execFile(process.execPath, words, { timeout: Number(longest) * 1000 }, (fault, stdout, stderr) =>
            resolve({ status: fault === null ? 0 : fault.code, told: stdout + stderr }),
          );
        });
      const unhealthy = { status: 1, told: "" };
      expect(await ask(command)).toEqual(unhealthy);

      const beside = join(root, "apps/broker/.agentkeys-test");
      mkdirSync(beside, { recursive: true });
      const place = mkdtempSync(join(beside, "health-"));
      const listen = `listen = "127.0.0.1:${port}"\nhosts = ["127.0.0.1:${port}"]`;
      writeFileSync(join(place, "agentkeys.toml"), `[broker]\npublic_url = "https://keys.example.com"\n${listen}\n`);
      const broker = startProgram([], place);
      try {
        await broker.ready;
        expect(await ask(command)).toEqual({ status: 0, told: "" });
        // What cannot be read is not healthy either: so the line above would tell of it.
        const broken = command.map((argument) => argument.replace(/\)$/u, ""));
        expect(await ask(broken)).toEqual({ status: 1, told: expect.stringContaining("SyntaxError") });
        broker.kill("SIGSTOP");
        expect(await ask(command)).toEqual(unhealthy);
      } finally {
        broker.kill("SIGKILL");
        await broker.ended;
        rmSync(place, { recursive: true });
      }

      // As a broker answers a name that is not in `hosts`.
      const refusing = createServer((_asked, answered) => answered.writeHead(421).end()).listen(port, "127.0.0.1");
      await once(refusing, "listening");
      expect(await ask(command)).toEqual(unhealthy);
      refusing.close();
    },
  );

  it("is named by docs/operate/install.md, as the units are", () => {
    const page = read("docs/operate/install.md");
    for (const path of [file, ...services.map(({ unit }) => unit)]) {
      expect(existsSync(join(root, path))).toBe(true);
      expect(page).toContain(path.slice(path.indexOf("deploy/")));
    }
  });
});
