import { and, asc, count, desc, eq, gt, isNull, or, sql } from "./drizzle.ts";
import type { Evidence } from "@agentkeys/core";
import type { ReadOnlyDatabase } from "./engine.ts";
import {
  accounts,
  agents,
  anchoredHeads,
  attempts,
  grants,
  identities,
  idempotency,
  outbox,
  sessions,
  settings,
} from "./schema.ts";
import type { Attempt } from "./commands/attempts.ts";
import type { Agent } from "./commands/pairings.ts";
import type { Grant } from "./commands/grants.ts";
import type { IdempotencyRow } from "./commands/uses.ts";
import type { Session } from "./commands/sessions.ts";

/** An account as stored. */
export type Account = typeof accounts.$inferSelect;
/** An identity as stored. */
export type IdentityRow = typeof identities.$inferSelect;

/** Every question the broker asks of its store, prepared once. They see all that was committed. */
export interface Readings {
  account(account: string): Account | undefined;
  identitiesOf(account: string): readonly IdentityRow[];
  isClaimed(): boolean;
  claimCodeHash(): string | undefined;
  attempt(challengeId: string): Attempt | undefined;
  attemptByPoll(pollHash: string): Attempt | undefined;
  liveSession(id: string, now: number): Session | undefined;
  sessionsOf(account: string, now: number): readonly Session[];
  agent(id: string): Agent | undefined;
  agentsOf(account: string): readonly Agent[];
  grant(id: string): Grant | undefined;
  grantsOf(account: string): readonly Grant[];
  /** An agent's grants for an issuer that are not revoked, oldest first. */
  grantsFor(agent: string, issuer: string): readonly Grant[];
  grantsOfAgent(agent: string, now: number): readonly Grant[];
  use(key: Buffer): IdempotencyRow | undefined;
  /** Events that wait for the log, oldest first. */
  waitingEvents(limit: number): readonly (typeof outbox.$inferSelect)[];
  countWaitingEvents(): number;
  newestEvidence(): readonly {
    readonly anchor: string;
    readonly size: number;
    readonly evidence: Evidence;
    readonly publishedAt: number;
  }[];
}

/** Prepares every reading on the read-only connection. */
export function createReadings(db: ReadOnlyDatabase): Readings {
  const id = sql.placeholder("id");
  const now = sql.placeholder("now");
  const account = db.select().from(accounts).where(eq(accounts.account, id)).prepare();
  const identitiesOf = db.select().from(identities).where(eq(identities.account, id)).prepare();
  const operator = db.select().from(accounts).where(eq(accounts.role, "operator")).limit(1).prepare();
  const setting = db.select().from(settings).where(eq(settings.key, id)).prepare();
  const attempt = db.select().from(attempts).where(eq(attempts.challengeId, id)).prepare();
  const attemptByPoll = db.select().from(attempts).where(eq(attempts.pollHash, id)).prepare();
  const isLive = and(isNull(sessions.revokedAt), gt(sessions.expiresAt, now));
  const liveSession = db
    .select()
    .from(sessions)
    .where(and(eq(sessions.id, id), isLive))
    .prepare();
  const sessionsOf = db
    .select()
    .from(sessions)
    .where(and(eq(sessions.account, id), isNull(sessions.agent), isLive))
    .prepare();
  const agent = db.select().from(agents).where(eq(agents.id, id)).prepare();
  const agentsOf = db.select().from(agents).where(eq(agents.account, id)).orderBy(asc(agents.createdAt)).prepare();
  const grant = db.select().from(grants).where(eq(grants.id, id)).prepare();
  const grantsOf = db.select().from(grants).where(eq(grants.account, id)).orderBy(asc(grants.createdAt)).prepare();
  const grantsFor = db
    .select()
    .from(grants)
    .where(and(eq(grants.agent, id), eq(grants.issuer, sql.placeholder("issuer")), isNull(grants.revokedAt)))
    .orderBy(asc(grants.createdAt), asc(grants.id))
    .prepare();
  const grantsOfAgent = db
    .select()
    .from(grants)
    .where(and(eq(grants.agent, id), isNull(grants.revokedAt), or(isNull(grants.expiresAt), gt(grants.expiresAt, now))))
    .orderBy(asc(grants.createdAt))
    .prepare();
  const use = db.select().from(idempotency).where(eq(idempotency.key, id)).prepare();
  const waiting = db.select().from(outbox).orderBy(asc(outbox.position)).limit(sql.placeholder("limit")).prepare();
  const waitingCount = db.select({ count: count() }).from(outbox).prepare();
  const evidence = db.select().from(anchoredHeads).orderBy(desc(anchoredHeads.size)).prepare();
  return {
    account: (value) => account.get({ id: value }),
    identitiesOf: (value) => identitiesOf.all({ id: value }),
    isClaimed: () => operator.get() !== undefined,
    claimCodeHash: () => setting.get({ id: "claim_code" })?.value,
    attempt: (value) => attempt.get({ id: value }),
    attemptByPoll: (value) => attemptByPoll.get({ id: value }),
    liveSession: (value, at) => liveSession.get({ id: value, now: at }),
    sessionsOf: (value, at) => sessionsOf.all({ id: value, now: at }),
    agent: (value) => agent.get({ id: value }),
    agentsOf: (value) => agentsOf.all({ id: value }),
    grant: (value) => grant.get({ id: value }),
    grantsOf: (value) => grantsOf.all({ id: value }),
    grantsFor: (value, issuer) => grantsFor.all({ id: value, issuer }),
    grantsOfAgent: (value, at) => grantsOfAgent.all({ id: value, now: at }),
    use: (key) => use.get({ id: key }),
    waitingEvents: (limit) => waiting.all({ limit }),
    countWaitingEvents: () => waitingCount.get()?.count ?? 0,
    newestEvidence: () => evidence.all().map((row) => ({ ...row, evidence: row.evidence as unknown as Evidence })),
  };
}
