import type Database from "better-sqlite3";
import { drizzle } from "./drizzle.ts";
import type { Command, Commands } from "./engine-command.ts";
import { carryError, type Answer, type Ask } from "./engine-message.ts";

/**
 * Answers a function that runs asks as one durable transaction: each in its own savepoint, so that one that throws is undone alone;
 * the answers exist only after the commit. It throws for a fault of the storage itself (disk full, file damaged, commit refused):
 * then nothing of the batch is kept and nobody may go on with this connection.
 */
export function createBatch(
  client: Database.Database,
  commands: Commands,
): (asks: readonly Ask[]) => readonly Answer[] {
  const db = drizzle(client);
  const begin = client.prepare("BEGIN IMMEDIATE");
  const commit = client.prepare("COMMIT");
  const open = client.prepare("SAVEPOINT command");
  const keep = client.prepare("RELEASE command");
  const undo = client.prepare("ROLLBACK TO command");

  function run([name, input]: Ask): Answer {
    open.run();
    try {
      const command: Command<never, unknown> | undefined = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (command === undefined) throw new TypeError(`the store has no command ${name}`);
      const value = command(db, input as never);
      keep.run();
      return { value };
    } catch (error) {
      if (isStorageFault(error)) throw error;
      // For some faults SQLite ends the whole transaction by itself, and what came before is lost. Then there is no savepoint to go
      // back to, and this throws too.
      undo.run();
      keep.run();
      return { fault: carryError(error) };
    }
  }

  return (asks) => {
    begin.run();
    try {
      const answers = asks.map(run);
      commit.run();
      return answers;
    } catch (fault) {
      if (client.inTransaction) client.exec("ROLLBACK");
      throw fault;
    }
  };
}

/** True for an error of SQLite, also one that drizzle wrapped, that is no broken constraint. */
function isStorageFault(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === "SqliteError") return !String((at as { code?: unknown }).code).startsWith("SQLITE_CONSTRAINT");
  }
  return false;
}
