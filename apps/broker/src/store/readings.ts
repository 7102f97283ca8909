import { and, asc, count, desc, eq, gt, isNull, or, sql } from "./drizzle.ts";
import type { AuditEvent, Evidence } from "@agentkeys/core";
import type { ReadOnlyDatabase } from "./engine.ts";
import {
  accounts,
  agents,
  anchoredHeads,
  attempts,
  codes,
  grants,
  identities,
  idempotency,
  intents,
  outbox,
  proposals,
  sessions,
  settings,
} from "./schema.ts";
import type { Attempt } from "./commands/attempts.ts";
import type { Account } from "./commands/accounts.ts";
import type { Code } from "./commands/codes.ts";
import type { IdentityRow } from "./commands/identities.ts";
import type { Agent } from "./commands/pairings.ts";
import type { Grant } from "./commands/grants.ts";
import { bytesOf, type IdempotencyRow, type UseKey } from "./commands/uses.ts";
import type { Proposal } from "./commands/proposals.ts";
import type { Intent } from "./commands/intents.ts";
import { sealSetting } from "./commands/seal.ts";
import type { Session } from "./commands/sessions.ts";

/** A session that is neither revoked nor expired, and whether its account is suspended. */
export interface LiveSession extends Session {
  readonly suspendedAt: number | null;
}

/** Every question the broker asks of its store, prepared once. They see all that was committed. */
export interface Readings {
  account(account: string): Account | undefined;
  /** Accounts by their ids, from behind `after` on. */
  accounts(after: string, limit: number): readonly Account[];
  /** The identities of an account that were not unlinked, oldest first. */
  identitiesOf(account: string): readonly IdentityRow[];
  isClaimed(): boolean;
  claimCodeHash(): string | undefined;
  /** The event that seals the log's epoch, where a successor has adopted it. */
  seal(): AuditEvent | undefined;
  /** An invite or recovery code that is still good. */
  code(hash: string, now: number): Code | undefined;
  invites(now: number): readonly Code[];
  attempt(challengeId: string): Attempt | undefined;
  attemptByPoll(pollHash: string): Attempt | undefined;
  liveSession(id: string, now: number): LiveSession | undefined;
  /** Accounts with a session of a person or an agent. */
  accountsWithSessions(now: number): readonly string[];
  sessionsOf(account: string, now: number): readonly Session[];
  agent(id: string): Agent | undefined;
  agentsOf(account: string): readonly Agent[];
  grant(id: string): Grant | undefined;
  grantsOf(account: string): readonly Grant[];
  /** An agent's grants for an issuer that are not revoked, oldest first. */
  grantsFor(agent: string, issuer: string): readonly Grant[];
  grantsOfAgent(agent: string, now: number): readonly Grant[];
  /** An account's proposals that were neither accepted nor declined and have not expired, oldest first. */
  openProposals(account: string, now: number): readonly Proposal[];
  use(key: UseKey): IdempotencyRow | undefined;
  /** Uses of issuers that call out whose result is not recorded. */
  openIntents(): readonly Intent[];
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
  const accountsAfter = db
    .select()
    .from(accounts)
    .where(gt(accounts.account, id))
    .orderBy(asc(accounts.account))
    .limit(sql.placeholder("limit"))
    .prepare();
  const identitiesOf = db
    .select()
    .from(identities)
    .where(and(eq(identities.account, id), isNull(identities.retiredAt)))
    .orderBy(asc(identities.linkedAt), asc(identities.type), asc(identities.value))
    .prepare();
  const code = db
    .select()
    .from(codes)
    .where(and(eq(codes.hash, id), gt(codes.expiresAt, now)))
    .prepare();
  const invites = db
    .select()
    .from(codes)
    .where(and(eq(codes.kind, "invite"), gt(codes.expiresAt, now)))
    .orderBy(asc(codes.createdAt), asc(codes.id))
    .prepare();
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
  const accountsWithSessions = db.selectDistinct({ account: sessions.account }).from(sessions).where(isLive).prepare();
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
  const openProposals = db
    .select()
    .from(proposals)
    .where(and(eq(proposals.account, id), isNull(proposals.declinedAt), gt(proposals.expiresAt, now)))
    .orderBy(asc(proposals.createdAt), asc(proposals.id))
    .prepare();
  const use = db.select().from(idempotency).where(eq(idempotency.key, id)).prepare();
  const openIntents = db.select().from(intents).orderBy(asc(intents.record)).prepare();
  const waiting = db.select().from(outbox).orderBy(asc(outbox.position)).limit(sql.placeholder("limit")).prepare();
  const waitingCount = db.select({ count: count() }).from(outbox).prepare();
  const evidence = db.select().from(anchoredHeads).orderBy(desc(anchoredHeads.size)).prepare();
  return {
    account: (value) => account.get({ id: value }),
    accounts: (after, limit) => accountsAfter.all({ id: after, limit }),
    identitiesOf: (value) => identitiesOf.all({ id: value }),
    isClaimed: () => operator.get() !== undefined,
    claimCodeHash: () => setting.get({ id: "claim_code" })?.value,
    seal() {
      const value = setting.get({ id: sealSetting })?.value;
      return value === undefined ? undefined : (JSON.parse(value) as AuditEvent);
    },
    code: (hash, at) => code.get({ id: hash, now: at }),
    invites: (at) => invites.all({ now: at }),
    attempt: (value) => attempt.get({ id: value }),
    attemptByPoll: (value) => attemptByPoll.get({ id: value }),
    // Two reads by primary key in place of a join, which SQLite parses anew for other parameters.
    liveSession(value, at) {
      const found = liveSession.get({ id: value, now: at });
      const holder = found === undefined ? undefined : account.get({ id: found.account });
      return found === undefined || holder === undefined ? undefined : { ...found, suspendedAt: holder.suspendedAt };
    },
    accountsWithSessions: (at) => accountsWithSessions.all({ now: at }).map((row) => row.account),
    sessionsOf: (value, at) => sessionsOf.all({ id: value, now: at }),
    agent: (value) => agent.get({ id: value }),
    agentsOf: (value) => agentsOf.all({ id: value }),
    grant: (value) => grant.get({ id: value }),
    grantsOf: (value) => grantsOf.all({ id: value }),
    grantsFor: (value, issuer) => grantsFor.all({ id: value, issuer }),
    grantsOfAgent: (value, at) => grantsOfAgent.all({ id: value, now: at }),
    openProposals: (value, at) => openProposals.all({ id: value, now: at }),
    use: (key) => use.get({ id: bytesOf(key) }),
    openIntents: () => openIntents.all(),
    waitingEvents: (limit) => waiting.all({ limit }),
    countWaitingEvents: () => waitingCount.get()?.count ?? 0,
    newestEvidence: () => evidence.all().map((row) => ({ ...row, evidence: row.evidence as unknown as Evidence })),
  };
}
