// Data of a newer version, under the real program: an operator has to look, so that nothing is tried again by itself.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { openWriter } from "../../src/store/engine-connection.ts";
import { migrations } from "../../src/store/migrations.ts";
import { runProgram } from "../programs.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
mkdirSync(root, { recursive: true });
const folder = mkdtempSync(join(root, "n-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = (name: string): string => {
  const path = join(folder, name, ".agentkeys");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
};

test("a database that a newer version wrote ends the start with 78 and says which version to install", async () => {
  const client = openWriter(join(data("database"), "broker.db"), [...migrations, ["CREATE TABLE later (id INTEGER)"]]);
  client.prepare("UPDATE schema_steps SET program = '@agentkeys/broker 9.8.7'").run();
  client.close();
  const { code, stderr } = await runProgram([], join(folder, "database"));
  expect({ code, stderr }).toEqual({
    code: 78,
    stderr: expect.stringMatching(
      /^ERR_STORAGE_NEWER: [^]*written by @agentkeys\/broker 9\.8\.7;[^]*Install the version named or a newer one/mu,
    ),
  });
});

test("so does a log that a newer version wrote", async () => {
  const log = join(data("log"), "audit-sqlite");
  mkdirSync(log, { mode: 0o700 });
  const client = new Database(join(log, "log.db"));
  client.exec("CREATE TABLE later (id INTEGER)");
  client.pragma("user_version = 99");
  client.close();
  const { code, stderr } = await runProgram([], join(folder, "log"));
  expect({ code, stderr }).toEqual({
    code: 78,
    stderr: expect.stringMatching(/^ERR_STORAGE_NEWER: [^]*a newer @agentkeys\/audit-sqlite/mu),
  });
});
