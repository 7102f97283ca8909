import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const program = join(import.meta.dirname, "../dist/bin.js");

let place: string;
beforeEach(() => void (place = mkdtempSync(join(tmpdir(), "agentkeys-create-"))));
afterEach(() => rmSync(place, { recursive: true }));

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [program, ...args], { cwd: place, encoding: "utf8", input: "", timeout: 20_000 });

it("shows its options, kinds and exit codes, and its version", () => {
  const { status, stdout } = run("--help");
  expect(status).toBe(0);
  for (const word of ["--kind", "--name", "--scope", "--yes", "issuer", "Exit codes"]) expect(stdout).toContain(word);
  expect(run("--version")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/u) });
});

it("asks nothing where nobody can be asked: it says what is missing, and exits with 2", () => {
  expect(run()).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--kind and --name") });
  expect(run("--kind", "auth", "--yes")).toMatchObject({ status: 2, stderr: expect.stringContaining("--name") });
  expect(run("--kind", "door", "--name", "x")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("a kind is"),
  });
  expect(readdirSync(place)).toEqual([]);
});

it("exits with 1 where the folder cannot be made, and says why", () => {
  const args = ["--kind", "auth", "--name", "badge", "--yes"];
  expect(run("no/where", ...args)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("above it is not there"),
  });
  expect(run(".", ...args)).toMatchObject({ status: 1, stderr: expect.stringContaining("nothing is overwritten") });
});
