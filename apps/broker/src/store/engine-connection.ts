import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import type { EngineDefinition } from "./engine-command.ts";
import { migrate } from "./migrate.ts";

/** How long a connection waits for another process's lock, in milliseconds. */
const busyTimeout = 5000;

const pragmas: readonly (readonly [name: string, value: string | number, reads: string | number])[] = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  // Only macOS knows the difference: there, fsync alone leaves the bytes in the drive's cache.
  ["fullfsync", 1, 1],
  ["checkpoint_fullfsync", 1, 1],
  ["foreign_keys", 1, 1],
  ["trusted_schema", 0, 0],
  ["busy_timeout", busyTimeout, busyTimeout],
];

/**
 * Opens the one writing connection: makes the file (0600, its folder 0700) where there is none, sets the pragmas that make a commit
 * durable and reads each back, then brings the schema up to date. Throws ERR_CONFIG_INVALID with the reason, and
 * ERR_STORAGE_NEWER.
 */
export function openWriter(file: string, migrations: EngineDefinition["migrations"]): Database.Database {
  return openOrRefuse(file, () => {
    makePrivateFile(file);
    const client = new Database(file, { timeout: busyTimeout });
    try {
      for (const [name, value, reads] of pragmas) {
        client.pragma(`${name} = ${value}`);
        const found = client.pragma(name, { simple: true });
        if (found !== reads) throw new Error(`PRAGMA ${name} is ${String(found)} where ${reads} was set`);
      }
      migrate(client, migrations);
      return client;
    } catch (fault) {
      client.close();
      throw fault;
    }
  });
}

/** Opens a connection that reads what is committed. The file must be there and have a writer. Throws ERR_CONFIG_INVALID. */
export function openReader(file: string): Database.Database {
  return openOrRefuse(file, () => {
    const client = new Database(file, { readonly: true, fileMustExist: true, timeout: busyTimeout });
    client.pragma("query_only = 1");
    client.pragma("trusted_schema = 0");
    return client;
  });
}

function makePrivateFile(file: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // SQLite gives its -wal and -shm files the mode of this one, and syncs the folder for them but not for this one.
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}

function openOrRefuse(file: string, open: () => Database.Database): Database.Database {
  try {
    return open();
  } catch (cause) {
    if (isAgentKeysError(cause)) throw cause;
    const issue = `broker.data_dir: ${file} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new AgentKeysError("ERR_CONFIG_INVALID", issue, { issues: [issue] }, { cause });
  }
}
