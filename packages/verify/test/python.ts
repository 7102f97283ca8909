import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import type { TestContext } from "vitest";
import { pathOf } from "./support.ts";

const requirements = pathOf("independent/requirements.txt");
// Made once for each list of libraries, and kept with the installed packages.
const version = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
const environment = pathOf(`../node_modules/.cache/independent-${version}`);

/** Makes the Python environment, under another name until it is whole. Answers why it cannot be made. */
export function prepare(): string | undefined {
  if (existsSync(environment)) return undefined;
  if (spawnSync("python3", ["--version"]).status !== 0) return "python3 is not installed";
  const unfinished = `${environment}.${process.pid}`;
  try {
    mkdirSync(pathOf("../node_modules/.cache"), { recursive: true });
    execFileSync("python3", ["-m", "venv", unfinished], { stdio: "pipe" });
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    execFileSync(`${unfinished}/bin/python`, install, { stdio: "pipe" });
    renameSync(unfinished, environment);
    return undefined;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    return `its Python environment cannot be made: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What a program of `independent/` answers to JSON on its standard input. */
export function runPython(program: string, input: unknown): unknown {
  const out = execFileSync(`${environment}/bin/python`, ["-B", pathOf(`independent/${program}`)], {
    input: JSON.stringify(input),
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(out.toString());
}

/** Outside CI the test says why it is not run; in CI it fails. */
export function needPython(context: TestContext, unable: string | undefined): void {
  if (unable === undefined) return;
  if (process.env["CI"] === "true") throw new Error(`the independent verifier could not run: ${unable}`);
  process.stderr.write(`NOT RUN: «${context.task.name}», because ${unable}\n`);
  context.skip(unable);
}
