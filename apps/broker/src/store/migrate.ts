import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import type Database from "better-sqlite3";
import { program } from "../program.ts";

/**
 * Brings a file to the newest schema version, each step in a transaction of its own; after a crash it goes on where it was. Before
 * the first step a file that holds data is copied to `<file>.schema-<version>`, for a way back to the program of before. Throws
 * ERR_STORAGE_NEWER for a file of a newer program.
 */
export function migrate(client: Database.Database, migrations: readonly (readonly string[])[]): void {
  const found = versionOf(client);
  const newest = migrations.length;
  if (found > newest) throw newer(client, found, newest);
  if (found === newest) return;
  if (found > 0 && !client.memory) keepCopy(client, `${client.name}.schema-${found}`);
  for (const [version, statements] of migrations.entries()) {
    client
      .transaction(() => {
        // Asked inside the transaction: another process may have taken the step meanwhile.
        if (versionOf(client) !== version) return;
        for (const statement of statements) client.exec(statement);
        client.exec(steps);
        client.prepare("INSERT INTO schema_steps VALUES (?, ?)").run(version + 1, program);
        client.pragma(`user_version = ${version + 1}`);
      })
      .immediate();
  }
}

/** Which program made each schema version, for the message of an older one that finds it. */
const steps = "CREATE TABLE IF NOT EXISTS schema_steps (version INTEGER PRIMARY KEY, program TEXT NOT NULL) STRICT";

function newer(client: Database.Database, found: number, newest: number): AgentKeysError {
  const path = client.name;
  const writer = writerOf(client, found) ?? "a newer program";
  const told = `${path} has schema version ${found}, written by ${writer}; this is ${program}, which knows ${newest}`;
  return new AgentKeysError("ERR_STORAGE_NEWER", told, { path, writer });
}

function writerOf(client: Database.Database, version: number): string | undefined {
  try {
    return client.prepare("SELECT program FROM schema_steps WHERE version = ?").pluck().get(version) as
      | string
      | undefined;
  } catch {
    // A far newer one may keep it elsewhere.
    return undefined;
  }
}

function versionOf(client: Database.Database): number {
  return client.pragma("user_version", { simple: true }) as number;
}

/** A whole copy under its name or none; one of a migration that was broken off is replaced. */
function keepCopy(client: Database.Database, path: string): void {
  const draft = `${path}.draft`;
  rmSync(draft, { force: true });
  // SQLite takes a file that is there and empty: so the copy is never open to others.
  closeSync(openSync(draft, "wx", 0o600));
  client.prepare("VACUUM INTO ?").run(draft);
  chmodSync(draft, 0o600);
  sync(draft);
  renameSync(draft, path);
  sync(dirname(path));
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}
