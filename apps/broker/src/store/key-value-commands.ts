import { and, eq, lte, sql } from "./drizzle.ts";
import { prepared, type Transaction } from "./engine-command.ts";
import { keyValues } from "./schema.ts";

/** An entry of one namespace as it is written. */
export interface KeyValueEntry {
  readonly namespace: string;
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Milliseconds since the Unix epoch, or null for ever. An entry is gone from this instant on. */
  readonly expiresAt: number | null;
}

/** Which entry, and when it is asked for. */
export interface KeyValueAsk {
  readonly namespace: string;
  readonly key: string;
  readonly now: number;
}

const placed = {
  namespace: sql.placeholder("namespace"),
  key: sql.placeholder("key"),
  value: sql.placeholder("value"),
  expiresAt: sql.placeholder("expiresAt"),
};
const isAsked = and(eq(keyValues.namespace, placed.namespace), eq(keyValues.key, placed.key));
const entry = [keyValues.namespace, keyValues.key];
const replacement = { value: sql`excluded.value`, expiresAt: sql`excluded.expires_at` };

const put = prepared((db: Transaction) =>
  db.insert(keyValues).values(placed).onConflictDoUpdate({ target: entry, set: replacement }).prepare(),
);
// One statement decides who is first: the row is written when there is none, or over one that has expired.
const claim = prepared((db: Transaction) =>
  db
    .insert(keyValues)
    .values(placed)
    .onConflictDoUpdate({
      target: entry,
      set: replacement,
      setWhere: lte(keyValues.expiresAt, sql.placeholder("now")),
    })
    .prepare(),
);
const take = prepared((db: Transaction) => db.delete(keyValues).where(isAsked).returning().prepare());
const sweep = prepared((db: Transaction) =>
  db
    .delete(keyValues)
    .where(lte(keyValues.expiresAt, sql.placeholder("now")))
    .prepare(),
);

/** The writing half of the key-value spaces. `HostStore` of core says what each verb promises. */
export const keyValueCommands = {
  /** Writes an entry over whatever is there. */
  putValue(db: Transaction, input: KeyValueEntry): void {
    put(db).run({ ...input });
  },
  /** Writes an entry unless a live one is there; answers whether it did. */
  claimValue(db: Transaction, input: KeyValueEntry & { readonly now: number }): boolean {
    return claim(db).run({ ...input }).changes === 1;
  },
  /** Deletes an entry; answers its JSON text, or undefined when there was no live one. */
  takeValue(db: Transaction, input: KeyValueAsk): string | undefined {
    const [row] = take(db).all({ ...input });
    return row === undefined || isExpired(row.expiresAt, input.now) ? undefined : row.value;
  },
  /** Deletes every entry, of any namespace, that has expired; answers how many. */
  sweepValues(db: Transaction, input: { readonly now: number }): number {
    return sweep(db).run({ ...input }).changes;
  },
};

/** True from the instant of expiry on. */
export function isExpired(expiresAt: number | null, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}
