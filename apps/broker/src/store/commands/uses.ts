import { and, eq, gt, isNull, lte, or, sql, lt } from "../drizzle.ts";
import { prepared, type Transaction } from "../engine.ts";
import { accounts, agents, grants, idempotency, intents, sessions, type StoredFailure } from "../schema.ts";
import type { Intent } from "./intents.ts";

/** A used Idempotency-Key as stored. */
export type IdempotencyRow = typeof idempotency.$inferSelect;

/**
 * The hash a use is known by, a byte a character: bytes on their way to another thread would take along the whole pool of Node's that
 * they lie in.
 */
export type UseKey = string;

/** The bytes of a key, or of another hash that is written like one. */
export function bytesOf(key: UseKey): Buffer {
  return Buffer.from(key, "binary");
}

/** A use to reserve, with the row its Idempotency-Key leaves. */
export interface Use {
  /** Its `units`, and the seconds from `issuedAt` to `expiresAt`, are what it takes of the grant. */
  readonly row: Omit<IdempotencyRow, "failure" | "key" | "bodyHash"> & {
    readonly key: UseKey;
    /** Written like the key. */
    readonly bodyHash: string;
  };
  readonly agent: string;
  readonly session: string;
  readonly now: number;
  /** Of an issuer that calls out: what makes the use an open intent. */
  readonly intent?: Omit<Intent, "record" | "key" | "grant" | "agent">;
}

/** `reserved`: this is the first; `repeated`: the key was used; `refused`: power is gone or used up. */
export type UseVerdict =
  | { readonly verdict: "reserved" }
  | { readonly verdict: "repeated" }
  | { readonly verdict: "refused"; readonly reason: "grant" | "used_up" };

/**
 * Reserves one use of a grant, with its units and seconds, and remembers the key, in one transaction with the check that session,
 * agent and grant still live and that the account is not suspended: a revocation that was answered before is always seen.
 */
export function reserveUse(db: Transaction, { row, agent, session, now, intent }: Use): UseVerdict {
  const query = queries(db);
  const key = bytesOf(row.key);
  const known = query.known.get({ key });
  if (known !== undefined && known.keptUntil > now) return { verdict: "repeated" };
  if (!isSessionLive(query, { session, agent, now })) return { verdict: "refused", reason: "grant" };
  const taken = query.take.run({
    grant: row.grant,
    agent,
    now,
    units: row.units,
    seconds: row.expiresAt - row.issuedAt,
  });
  if (taken.changes !== 1) {
    const live = query.live.get({ grant: row.grant, agent, now });
    return { verdict: "refused", reason: live === undefined ? "grant" : "used_up" };
  }
  if (known !== undefined) query.forget.run({ key });
  query.remember.run({ ...row, key, bodyHash: bytesOf(row.bodyHash) });
  if (intent !== undefined)
    db.insert(intents)
      .values({ ...intent, record: row.record, key, grant: row.grant, agent })
      .run();
  return { verdict: "reserved" };
}

/**
 * True while session, agent and grant of a reserved use still live: asked once more when an issuer that calls out has answered, so that
 * what was revoked meanwhile is not released.
 */
export function isUseLive(
  db: Transaction,
  { grant, ...who }: Pick<Use, "agent" | "session" | "now"> & { readonly grant: string },
): boolean {
  const query = queries(db);
  return isSessionLive(query, who) && query.live.get({ grant, agent: who.agent, now: who.now }) !== undefined;
}

// Three reads by primary key: SQLite parses a join or a further equality anew whenever its parameters change.
function isSessionLive(
  query: ReturnType<typeof queries>,
  { session, agent, now }: Pick<Use, "session" | "agent" | "now">,
): boolean {
  const found = query.session.get({ session });
  if (found === undefined || found.agent !== agent || found.revokedAt !== null || found.expiresAt <= now) return false;
  const holder = query.agent.get({ agent });
  const account = query.account.get({ account: found.account });
  return holder !== undefined && holder.revokedAt === null && account !== undefined && account.suspendedAt === null;
}

/** Gives a use back, with its units and seconds, because nothing was recorded for it. */
export function releaseUse(db: Transaction, input: { readonly key: UseKey; readonly grant: string }): void {
  const [gone] = db
    .delete(idempotency)
    .where(eq(idempotency.key, bytesOf(input.key)))
    .returning()
    .all();
  db.delete(intents)
    .where(eq(intents.key, bytesOf(input.key)))
    .run();
  if (gone !== undefined)
    db.update(grants)
      .set({
        uses: sql`${grants.uses} - 1`,
        usedUnits: sql`${grants.usedUnits} - ${gone.units}`,
        usedSeconds: sql`${grants.usedSeconds} - ${gone.expiresAt - gone.issuedAt}`,
      })
      .where(eq(grants.id, input.grant))
      .run();
}

/** Remembers how a recorded use failed, so that a retry gets the same error. */
export function failUse(db: Transaction, input: { readonly key: UseKey; readonly failure: StoredFailure }): void {
  db.update(idempotency)
    .set({ failure: input.failure })
    .where(eq(idempotency.key, bytesOf(input.key)))
    .run();
}

/** Drops the keys nobody may repeat any more. */
export function sweepUses(db: Transaction, input: { readonly now: number }): void {
  db.delete(idempotency).where(lte(idempotency.keptUntil, input.now)).run();
}

const queries = prepared((db: Transaction) => {
  const at = sql.placeholder("now");
  const isLive = and(
    eq(grants.id, sql.placeholder("grant")),
    eq(grants.agent, sql.placeholder("agent")),
    isNull(grants.revokedAt),
    or(isNull(grants.notBefore), lte(grants.notBefore, at)),
    or(isNull(grants.expiresAt), gt(grants.expiresAt, at)),
  );
  const usedUnits = sql`${grants.usedUnits} + ${sql.placeholder("units")}`;
  const usedSeconds = sql`${grants.usedSeconds} + ${sql.placeholder("seconds")}`;
  const isEnough = and(
    or(isNull(grants.maxUses), lt(grants.uses, grants.maxUses)),
    or(isNull(grants.budgetUnits), lte(usedUnits, grants.budgetUnits)),
    or(isNull(grants.budgetSeconds), lte(usedSeconds, grants.budgetSeconds)),
  );
  return {
    known: db
      .select()
      .from(idempotency)
      .where(eq(idempotency.key, sql.placeholder("key")))
      .prepare(),
    session: db
      .select({
        account: sessions.account,
        agent: sessions.agent,
        expiresAt: sessions.expiresAt,
        revokedAt: sessions.revokedAt,
      })
      .from(sessions)
      .where(eq(sessions.id, sql.placeholder("session")))
      .prepare(),
    agent: db
      .select({ revokedAt: agents.revokedAt })
      .from(agents)
      .where(eq(agents.id, sql.placeholder("agent")))
      .prepare(),
    account: db
      .select({ suspendedAt: accounts.suspendedAt })
      .from(accounts)
      .where(eq(accounts.account, sql.placeholder("account")))
      .prepare(),
    live: db.select({ id: grants.id }).from(grants).where(isLive).prepare(),
    take: db
      .update(grants)
      .set({ uses: sql`${grants.uses} + 1`, usedUnits, usedSeconds })
      .where(and(isLive, isEnough))
      .prepare(),
    forget: db
      .delete(idempotency)
      .where(eq(idempotency.key, sql.placeholder("key")))
      .prepare(),
    remember: db
      .insert(idempotency)
      .values({
        key: sql.placeholder("key"),
        bodyHash: sql.placeholder("bodyHash"),
        grant: sql.placeholder("grant"),
        record: sql.placeholder("record"),
        credential: sql.placeholder("credential"),
        recordedAt: sql.placeholder("recordedAt"),
        issuedAt: sql.placeholder("issuedAt"),
        expiresAt: sql.placeholder("expiresAt"),
        keptUntil: sql.placeholder("keptUntil"),
        units: sql.placeholder("units"),
      })
      .prepare(),
  };
});
