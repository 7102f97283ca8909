import { and, eq, gt, isNull, lte } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { agents, pairings, pairingTries, sessions } from "../schema.ts";
import type { NewSession } from "./sign-in.ts";
import { enqueue } from "./outbox.ts";

/** A device authorization as stored. */
export type Pairing = typeof pairings.$inferSelect;
/** An agent as stored. */
export type Agent = typeof agents.$inferSelect;

/** Remembers a device authorization; drops those that are over. */
export function startPairing(db: Transaction, input: { readonly pairing: Omit<Pairing, "status" | "agent"> }): void {
  db.delete(pairings).where(lte(pairings.expiresAt, input.pairing.requestedAt)).run();
  db.insert(pairings)
    .values({ ...input.pairing, status: "pending", agent: null })
    .run();
}

const mostTries = 5;
const triesWindow = 10 * 60_000;

/** A typed user code, by an account. */
export interface TypedCode {
  readonly account: string;
  readonly userCodeHash: string;
  readonly now: number;
}

/**
 * The pairing waiting under a user code; undefined for a wrong code, which counts. After five wrong ones no code is looked at for ten
 * minutes: ERR_REQUEST_RATE_LIMITED, for a right one too.
 */
export function viewPairing(db: Transaction, input: TypedCode): Pairing | undefined {
  const tries = db.select().from(pairingTries).where(eq(pairingTries.account, input.account)).get();
  const count = tries !== undefined && tries.until > input.now ? tries.count : 0;
  if (tries !== undefined && count >= mostTries) {
    const retryAfter = Math.ceil((tries.until - input.now) / 1000);
    throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", `${mostTries} wrong codes were typed; wait ${retryAfter} s`, {
      retryAfter,
    });
  }
  const found = db
    .select()
    .from(pairings)
    .where(
      and(
        eq(pairings.userCodeHash, input.userCodeHash),
        eq(pairings.status, "pending"),
        gt(pairings.expiresAt, input.now),
      ),
    )
    .get();
  if (found !== undefined) return found;
  const row = { count: count + 1, until: input.now + triesWindow };
  db.insert(pairingTries)
    .values({ account: input.account, ...row })
    .onConflictDoUpdate({ target: pairingTries.account, set: row })
    .run();
  return undefined;
}

/** Decides a pairing; approved, it makes the agent. Undefined for a wrong code, which counts. */
export function decidePairing(
  db: Transaction,
  input: TypedCode & { readonly agent?: { readonly id: string; readonly name?: string; readonly event: AuditEvent } },
): { readonly agent?: Agent } | undefined {
  const pairing = viewPairing(db, input);
  if (pairing === undefined) return undefined;
  const mine = eq(pairings.deviceHash, pairing.deviceHash);
  if (input.agent === undefined) {
    db.update(pairings).set({ status: "denied" }).where(mine).run();
    return {};
  }
  const agent: Agent = {
    id: input.agent.id,
    account: input.account,
    name: input.agent.name ?? pairing.clientName,
    clientId: pairing.clientId,
    thumbprint: pairing.thumbprint,
    createdAt: input.now,
    revokedAt: null,
  };
  db.insert(agents).values(agent).run();
  db.update(pairings).set({ status: "approved", agent: agent.id }).where(mine).run();
  enqueue(db, [input.agent.event]);
  return { agent };
}

/** What a poll with a device code finds (RFC 8628 section 3.5). */
export type PollVerdict =
  | { readonly verdict: "unknown" | "expired" | "denied" | "pending" | "slow_down" }
  | { readonly verdict: "approved"; readonly agent: string; readonly account: string };

/** Answers a poll; an approved pairing is taken by it, once, and becomes the agent's session. */
export function pollPairing(
  db: Transaction,
  input: {
    readonly deviceHash: string;
    readonly thumbprint: string;
    readonly clientId: string;
    readonly now: number;
    readonly session: NewSession;
  },
): PollVerdict {
  const mine = and(
    eq(pairings.deviceHash, input.deviceHash),
    eq(pairings.thumbprint, input.thumbprint),
    eq(pairings.clientId, input.clientId),
  );
  const pairing = db.select().from(pairings).where(mine).get();
  if (pairing === undefined) return { verdict: "unknown" };
  if (pairing.status === "denied" || pairing.expiresAt <= input.now) {
    db.delete(pairings).where(mine).run();
    return { verdict: pairing.status === "denied" ? "denied" : "expired" };
  }
  if (pairing.status === "pending") {
    const isTooSoon = input.now < pairing.polledAt + pairing.interval * 1000;
    const interval = isTooSoon ? pairing.interval + 5 : pairing.interval;
    db.update(pairings).set({ polledAt: input.now, interval }).where(mine).run();
    return { verdict: isTooSoon ? "slow_down" : "pending" };
  }
  db.delete(pairings).where(mine).run();
  const agent = db
    .select()
    .from(agents)
    .where(and(eq(agents.id, pairing.agent ?? ""), isNull(agents.revokedAt)))
    .get();
  if (agent === undefined) return { verdict: "denied" };
  db.insert(sessions)
    .values({ ...input.session, account: agent.account, agent: agent.id, createdAt: input.now })
    .run();
  return { verdict: "approved", agent: agent.id, account: agent.account };
}
