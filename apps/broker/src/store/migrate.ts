import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "better-sqlite3";

/**
 * Brings a file to the newest schema version, each step in a transaction of its own; after a crash it goes on where it was. Before
 * the first step a file that holds data is copied to `<file>.schema-<version>`, for a way back to the program of before. Throws for a
 * file of a newer program.
 */
export function migrate(client: Database.Database, migrations: readonly (readonly string[])[]): void {
  const found = versionOf(client);
  const newest = migrations.length;
  if (found > newest)
    throw new Error(`it has schema version ${found}, made by a newer program; this one knows ${newest}`);
  if (found === newest) return;
  if (found > 0 && !client.memory) keepCopy(client, `${client.name}.schema-${found}`);
  for (const [version, statements] of migrations.entries()) {
    client
      .transaction(() => {
        // Asked inside the transaction: another process may have taken the step meanwhile.
        if (versionOf(client) !== version) return;
        for (const statement of statements) client.exec(statement);
        client.pragma(`user_version = ${version + 1}`);
      })
      .immediate();
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
