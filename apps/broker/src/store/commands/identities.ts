import { and, eq, isNull, ne } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent, type Identity } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { attempts, identities, sessions } from "../schema.ts";
import { enqueue, enqueueRevocation } from "./outbox.ts";

/** An identity as stored. */
export type IdentityRow = typeof identities.$inferSelect;

/** Most identities an account has at once: each hears of what happens to the others. */
const mostLinked = 16;

/** Inside another command: the row of an identity, also of a retired one. */
export function findIdentity(db: Transaction, identity: Identity): IdentityRow | undefined {
  return db.select().from(identities).where(isThe(identity)).get();
}

/** Inside another command: makes an identity the account's. The caller has seen that nobody else's it is. */
export function linkTo(db: Transaction, account: string, identity: Identity, now: number): void {
  const row = { account, linkedAt: now, retiredAt: null };
  db.insert(identities)
    .values({ type: identity.type, value: identity.value, ...row })
    .onConflictDoUpdate({ target: [identities.type, identities.value], set: row })
    .run();
}

/**
 * Links an identity that was proven in an attempt which this session started for it. Throws ERR_AUTH_CHALLENGE (not such an attempt),
 * ERR_AUTH_IDENTITY, which does not say whose it is.
 */
export function linkIdentity(
  db: Transaction,
  input: {
    readonly challengeId: string;
    readonly session: string;
    readonly account: string;
    readonly identity: Identity;
    readonly now: number;
    readonly event: AuditEvent;
  },
): void {
  const [attempt] = db.delete(attempts).where(eq(attempts.challengeId, input.challengeId)).returning().all();
  if (attempt === undefined || attempt.expiresAt <= input.now || attempt.linkSession !== input.session)
    throw new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
  const known = findIdentity(db, input.identity);
  const isFree = known === undefined || (known.account === input.account && known.retiredAt !== null);
  if (!isFree || linkedTo(db, input.account).length >= mostLinked) throw cannotLink();
  linkTo(db, input.account, input.identity, input.now);
  enqueue(db, [input.event]);
}

/**
 * Takes an identity away for good, and ends the account's other sessions of people: who signed in by it may be somebody else. Throws
 * ERR_REQUEST_NOT_FOUND, ERR_AUTH_IDENTITY for the last one.
 */
export function unlinkIdentity(
  db: Transaction,
  input: {
    readonly account: string;
    readonly session: string;
    readonly identity: Identity;
    readonly now: number;
    readonly event: AuditEvent;
  },
): void {
  const linked = linkedTo(db, input.account);
  const { type, value } = input.identity;
  if (!linked.some((one) => one.type === type && one.value === value))
    throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "the account has no such identity", {});
  if (linked.length === 1) {
    const reason = "it is the last one of the account";
    throw new AgentKeysError("ERR_AUTH_IDENTITY", reason, { reason });
  }
  db.update(identities).set({ retiredAt: input.now }).where(isThe(input.identity)).run();
  db.update(sessions)
    .set({ revokedAt: input.now })
    .where(
      and(
        eq(sessions.account, input.account),
        isNull(sessions.agent),
        isNull(sessions.revokedAt),
        ne(sessions.id, input.session),
      ),
    )
    .run();
  enqueueRevocation(db, [input.event]);
}

/** The error for an identity that cannot be linked: the same, whatever the reason. */
export function cannotLink(): AgentKeysError {
  const reason = "it cannot be linked to this account";
  return new AgentKeysError("ERR_AUTH_IDENTITY", reason, { reason });
}

function linkedTo(db: Transaction, account: string): readonly IdentityRow[] {
  const live = and(eq(identities.account, account), isNull(identities.retiredAt));
  return db.select().from(identities).where(live).all();
}

function isThe({ type, value }: Identity) {
  return and(eq(identities.type, type), eq(identities.value, value));
}
