import type { BetterSQLite3Database } from "drizzle-orm/better-sqlite3";

/**
 * The writing side of the database as a command sees it: drizzle in the one worker, inside the command's own savepoint. A command
 * is a transaction already, so it opens none.
 */
export type Transaction = Omit<BetterSQLite3Database, "transaction">;

/** The reading side: sees all that is committed, can change nothing. */
export type ReadOnlyDatabase = Pick<
  BetterSQLite3Database,
  "select" | "selectDistinct" | "$count" | "get" | "all" | "values"
>;

/**
 * One durable change. It runs synchronously in the worker, alone; what it throws undoes it alone. Input and output cross a thread
 * border: plain data and Uint8Array only (a Buffer arrives as Uint8Array).
 */
export type Command<Input, Output> = (db: Transaction, input: Input) => Output;

/** Commands by name. */
export type Commands = Readonly<Record<string, Command<never, unknown>>>;

/** What the module exports that an engine is opened with. */
export interface EngineDefinition {
  readonly commands: Commands;
  /** The SQL of each step from an empty file to the newest schema, see `migrations.ts`. The file keeps its version as `user_version`. */
  readonly migrations: readonly (readonly string[])[];
}

/** A value after it crossed a thread border: a Buffer arrives as the Uint8Array it is. */
export type Crossed<Value> = Value extends Uint8Array
  ? Uint8Array
  : Value extends object
    ? { readonly [Key in keyof Value]: Crossed<Value[Key]> }
    : Value;

/**
 * Keeps what `build` makes of a connection, so that a statement is prepared once per connection.
 *
 * @example
 * const remove = prepared((db: Transaction) =>
 *   db.delete(sessions).where(eq(sessions.id, sql.placeholder("id"))).prepare());
 * export const removeSession = (db: Transaction, id: string): void => void remove(db).run({ id });
 */
export function prepared<Connection extends object, Statement>(
  build: (db: Connection) => Statement,
): (db: Connection) => Statement {
  const made = new WeakMap<Connection, { readonly statement: Statement }>();
  return (db) => {
    const known = made.get(db);
    if (known !== undefined) return known.statement;
    const statement = build(db);
    made.set(db, { statement });
    return statement;
  };
}
