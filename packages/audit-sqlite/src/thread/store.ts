import { closeSync, openSync } from "node:fs";
import { AgentKeysError } from "@agentkeys/core";
import type { TreeNode } from "@agentkeys/log";
import Database from "better-sqlite3";
import { newerError, storageError } from "../errors.ts";
import { schema, schemaVersion } from "./schema.ts";

/** An entry as it is stored. Positions and places count over all epochs, in the order in which they were written. */
export interface StoredEntry {
  readonly position: number;
  /** The record's 16 bytes of UUID, those in the entry. */
  readonly id: Uint8Array;
  readonly entry: Uint8Array;
  /** What opens its commitments, encrypted; absent where it has none. */
  readonly sealed?: SealedOpenings | undefined;
}

/** Openings under the key of an owner: an account, or the log itself. */
export interface SealedOpenings {
  readonly owner: number;
  readonly sealed: Uint8Array;
}

/** How a row without openings is joined. */
interface NoOpenings {
  readonly owner: null;
  readonly sealed: null;
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
  // What is overwritten is gone from the file.
  secure_delete: 1,
};
const commitsBetweenLooks = 16;
const entryColumns = "SELECT position, id, entry, owner, sealed FROM entries LEFT JOIN openings USING (position)";

/**
 * The database of a log, open for this process alone, mode 0600. What SQLite throws here ends the process; opening throws
 * ERR_AUDIT_IN_USE while another process has the file.
 */
export class LogStore {
  readonly database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  #commits = 0;

  constructor(file: string) {
    closeSync(openSync(file, "a", 0o600));
    this.database = new Database(file, { timeout: 0 });
    try {
      this.#assertVersion();
      for (const [name, value] of Object.entries(settings)) this.#set(name, value);
      this.#makeTables();
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

  /** All rows. */
  list(sql: string, ...values: readonly unknown[]): readonly unknown[] {
    return this.#prepare(sql).all(...values);
  }

  /** Changes something; answers the number of the row that was put in. */
  run(sql: string, ...values: readonly unknown[]): number {
    return Number(this.#prepare(sql).run(...values).lastInsertRowid);
  }

  /** Does all that `work` does in one durable transaction. */
  transact<Result>(work: () => Result): Result {
    return this.database.transaction(work).immediate();
  }

  /** The entry of a record id. */
  find(id: Uint8Array): StoredEntry | undefined {
    // Asked for every new event, which is not there: the join would cost ten times as much to say so.
    const row = this.read("SELECT position FROM entries WHERE id = ?", id) as { position: number } | undefined;
    return row && this.at(row.position);
  }

  /** The entry at a position. */
  at(position: number): StoredEntry | undefined {
    return toEntry(this.read(`${entryColumns} WHERE position = ?`, position));
  }

  /** The owner's entries before a position, newest first. */
  ofOwner(owner: number, before: number, limit: number): readonly StoredEntry[] {
    const where = "WHERE owner = ? AND position < ? ORDER BY position DESC LIMIT ?";
    return this.list(`${entryColumns} ${where}`, owner, before, limit).flatMap((row) => toEntry(row) ?? []);
  }

  /** How many entries and how many hashes there are, by the last of each. */
  counts(): { readonly entries: number; readonly hashes: number } {
    const last = "SELECT (SELECT max(position) FROM entries) AS entry, (SELECT max(place) FROM hashes) AS hash";
    const { entry, hash } = this.read(last) as Readonly<Record<"entry" | "hash", number | null>>;
    return { entries: (entry ?? -1) + 1, hashes: (hash ?? -1) + 1 };
  }

  /** The hash at a place. */
  hashAt(place: number): Uint8Array {
    const row = this.read("SELECT hash FROM hashes WHERE place = ?", place) as { hash: Uint8Array } | undefined;
    if (row === undefined) throw storageError(`the hash at place ${place} is missing`);
    return row.hash;
  }

  /** Writes entries, and the hashes they complete at places from `firstPlace` on. Within a transaction. */
  write(entries: readonly StoredEntry[], nodes: readonly TreeNode[], firstPlace: number): void {
    this.#commits++;
    for (const { position, id, entry, sealed } of entries) {
      this.run("INSERT INTO entries VALUES (?, ?, ?)", position, id, entry);
      if (sealed !== undefined)
        this.run("INSERT INTO openings VALUES (?, ?, ?)", position, sealed.owner, sealed.sealed);
    }
    const placed = nodes.map(({ level, index, hash }) => [firstPlace + placeOf(level, index), hash] as const);
    for (const row of placed.toSorted(([left], [right]) => left - right))
      this.run("INSERT INTO hashes VALUES (?, ?)", ...row);
  }

  /** Copies what was written into the database file, once there is more of it than so many pages of 4 KiB. */
  checkpoint(pages: number): void {
    // Looking costs as much as writing several entries.
    if (this.#commits < commitsBetweenLooks) return;
    this.#commits = 0;
    const [state] = this.database.pragma("wal_checkpoint(NOOP)") as [{ log: number; checkpointed: number }];
    if (state.log - state.checkpointed > pages) this.database.pragma("wal_checkpoint(PASSIVE)");
  }

  /** Copies all that was written into the database file and leaves nothing of it elsewhere. */
  truncate(): void {
    const [{ busy }] = this.database.pragma("wal_checkpoint(TRUNCATE)") as [{ busy: number }];
    if (busy !== 0) throw storageError("the write-ahead log could not be emptied");
  }

  #makeTables(): void {
    const isNew = this.read("SELECT 1 FROM sqlite_schema") === undefined;
    this.transact(() => {
      if (isNew) this.database.pragma(`user_version = ${schemaVersion}`);
      const version = this.database.pragma("user_version", { simple: true });
      if (Number(version) > schemaVersion) throw newerError(this.database.name, Number(version), schemaVersion);
      if (version !== schemaVersion) throw storageError(`its tables are of version ${String(version)}`);
      this.database.exec(schema);
    });
  }

  #prepare(sql: string): Database.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
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

function toEntry(row: unknown): StoredEntry | undefined {
  if (row === undefined) return undefined;
  const { position, id, entry, owner, sealed } = row as Omit<StoredEntry, "sealed"> & (SealedOpenings | NoOpenings);
  return { position, id, entry, sealed: sealed === null ? undefined : { owner, sealed } };
}
