import { closeSync, openSync } from "node:fs";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { TreeNode } from "@agentkeys/log";
import Database from "better-sqlite3";
import { storageError } from "../errors.ts";

/** The values of an event that no leaf shows. */
export type PersonalValues = Pick<AuditEvent, "account" | "agent" | "wallet" | "scope" | "grant" | "credential">;

/** An entry as it is stored, with what opens its commitments. */
export interface StoredEntry {
  readonly position: number;
  /** UUID text of the record. */
  readonly id: string;
  readonly entry: Uint8Array;
  /** The salts of the present commitments, by ascending key, 32 bytes each. */
  readonly salts: Uint8Array;
  readonly personal: PersonalValues;
}

const oldestSqlite = "3.51.3";
const settings = {
  // Before anything is read: the lock is the operating system's, ends with the process, and keeps a second one out.
  locking_mode: "exclusive",
  journal_mode: "wal",
  synchronous: 2,
  fullfsync: 1,
  checkpoint_fullfsync: 1,
  // The worker does it itself, when nobody waits.
  wal_autocheckpoint: 0,
};
const schema = `
  CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, public_key BLOB NOT NULL,
    index_key_hash BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS entries (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, entry BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS hashes (place INTEGER PRIMARY KEY, hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;
  CREATE TABLE IF NOT EXISTS openings (position INTEGER PRIMARY KEY, account TEXT, salts BLOB NOT NULL, personal TEXT NOT NULL)
    STRICT;
  CREATE INDEX IF NOT EXISTS openings_of_account ON openings (account, position) WHERE account IS NOT NULL;
  ${["log", "entries", "hashes"].map(makeAppendOnly).join("\n")}`;

/**
 * The database of a log, open for this process alone, mode 0600. What SQLite throws here ends the process; opening throws
 * ERR_AUDIT_IN_USE while another process has the file.
 */
export class LogStore {
  readonly database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(file: string) {
    closeSync(openSync(file, "a", 0o600));
    this.database = new Database(file, { timeout: 0 });
    try {
      this.#assertVersion();
      for (const [name, value] of Object.entries(settings)) this.#set(name, value);
      this.database.exec(schema);
    } catch (error) {
      this.database.close();
      if (!(error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY"))) throw error;
      throw new AgentKeysError("ERR_AUDIT_IN_USE", "another process has this audit log open", { path: file });
    }
  }

  /** The first row. */
  read(sql: string, ...values: readonly unknown[]): unknown {
    return this.#prepare(sql).get(...values);
  }

  /** The entry of a record id. */
  find(record: string): StoredEntry | undefined {
    return this.#withOpenings(this.read("SELECT position, id, entry FROM entries WHERE id = ?", record));
  }

  /** The entry at a position. */
  at(position: number): StoredEntry | undefined {
    return this.#withOpenings(this.read("SELECT position, id, entry FROM entries WHERE position = ?", position));
  }

  /** The account's entries before a position, newest first. */
  ofAccount(account: string, before: number, limit: number): readonly StoredEntry[] {
    const sql = "SELECT position FROM openings WHERE account = ? AND position < ? ORDER BY position DESC LIMIT ?";
    const rows = this.#prepare(sql).all(account, before, limit) as { position: number }[];
    return rows.flatMap(({ position }) => this.at(position) ?? []);
  }

  /** How many entries and how many hashes there are, by the last of each. */
  counts(): { readonly entries: number; readonly hashes: number } {
    const last = "SELECT (SELECT max(position) FROM entries) AS entry, (SELECT max(place) FROM hashes) AS hash";
    const { entry, hash } = this.read(last) as Readonly<Record<"entry" | "hash", number | null>>;
    return { entries: (entry ?? -1) + 1, hashes: (hash ?? -1) + 1 };
  }

  /** Hash of the complete subtree `index` of 2^`level` leaves. */
  hashAt(level: number, index: number): Uint8Array {
    const row = this.read("SELECT hash FROM hashes WHERE place = ?", placeOf(level, index)) as
      | { hash: Uint8Array }
      | undefined;
    if (row === undefined) throw storageError(`the hash ${index} of level ${level} is missing`);
    return row.hash;
  }

  /** Makes entries and the hashes they complete durable, in one transaction. */
  write(entries: readonly StoredEntry[], nodes: readonly TreeNode[]): void {
    const placed = nodes.map(({ level, index, hash }) => [placeOf(level, index), hash] as const);
    const commit = this.database.transaction(() => {
      for (const { position, id, entry, salts, personal } of entries) {
        this.#run("INSERT INTO entries VALUES (?, ?, ?)", position, id, entry);
        if (Object.keys(personal).length === 0) continue;
        const { account = null } = personal;
        this.#run("INSERT INTO openings VALUES (?, ?, ?, ?)", position, account, salts, JSON.stringify(personal));
      }
      for (const row of placed.toSorted(([left], [right]) => left - right))
        this.#run("INSERT INTO hashes VALUES (?, ?)", ...row);
    });
    commit.immediate();
  }

  /** Copies what was written into the database file, once there is more of it than so many pages of 4 KiB. */
  checkpoint(pages: number): void {
    const [state] = this.database.pragma("wal_checkpoint(NOOP)") as [{ log: number; checkpointed: number }];
    if (state.log - state.checkpointed > pages) this.database.pragma("wal_checkpoint(PASSIVE)");
  }

  #withOpenings(row: unknown): StoredEntry | undefined {
    if (row === undefined) return undefined;
    const entry = row as Pick<StoredEntry, "position" | "id" | "entry">;
    const opened = this.read("SELECT salts, personal FROM openings WHERE position = ?", entry.position);
    const { salts, personal } = (opened ?? { salts: new Uint8Array(), personal: "{}" }) as {
      salts: Uint8Array;
      personal: string;
    };
    return { ...entry, salts, personal: JSON.parse(personal) as PersonalValues };
  }

  #run(sql: string, ...values: readonly unknown[]): void {
    this.#prepare(sql).run(...values);
  }

  #prepare(sql: string): Database.Statement {
    const known = this.#statements.get(sql) ?? this.database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #assertVersion(): void {
    const { version } = this.read("SELECT sqlite_version() AS version") as { version: string };
    if (version.localeCompare(oldestSqlite, "en", { numeric: true }) >= 0) return;
    throw storageError(`SQLite is ${version}; before ${oldestSqlite} it could corrupt a database in WAL mode`);
  }

  #set(name: string, value: string | number): void {
    this.database.pragma(`${name} = ${value}`);
    const found = this.database.pragma(name, { simple: true });
    if (found !== value) throw storageError(`${name} is ${String(found)} where ${value} was set`);
  }
}

/**
 * Where a hash is stored: leaves and the nodes that each of them completes, one after the other, so that an append only ever
 * writes behind the last row. The nodes completed before leaf m are 2m - ones(m), with ones(m) the number of 1 bits in m.
 */
export function placeOf(level: number, index: number): number {
  const leaf = (index + 1) * 2 ** level - 1;
  let place = 2 * leaf + level;
  for (let rest = leaf; rest > 0; rest = Math.floor(rest / 2)) place -= rest % 2;
  return place;
}

function makeAppendOnly(table: string): string {
  const trigger = (verb: string): string =>
    `CREATE TRIGGER IF NOT EXISTS ${table}_${verb} BEFORE ${verb} ON ${table}
     BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;`;
  return trigger("UPDATE") + trigger("DELETE");
}
