import { and, count, eq, gt, isNull, or } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { agents, grants } from "../schema.ts";
import { enqueue, enqueueRevocation } from "./outbox.ts";
import { takeProposal } from "./proposals.ts";

/** A grant as stored. */
export type Grant = typeof grants.$inferSelect;

/** Grants an agent may hold that are neither ended nor over: each ask looks at all of them. */
export const mostGrants = 256;

/**
 * Makes a grant for a live agent of the account, with `proposal` of that open one of the agent, which is then gone. Throws
 * ERR_GRANT_NOT_FOUND, ERR_GRANT_DENIED where the agent holds as many as it may.
 */
export function createGrant(
  db: Transaction,
  input: { readonly grant: Grant; readonly proposal?: string | undefined; readonly event: AuditEvent },
): void {
  const mine = and(eq(agents.id, input.grant.agent), eq(agents.account, input.grant.account), isNull(agents.revokedAt));
  if (db.select().from(agents).where(mine).get() === undefined) {
    throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "there is no live agent of that id", {});
  }
  if (countGrants(db, input.grant.agent, input.grant.createdAt) >= mostGrants) {
    const allowed = [`${mostGrants} live grants`];
    throw new AgentKeysError("ERR_GRANT_DENIED", `an agent holds at most ${allowed[0]}`, { layer: "agent", allowed });
  }
  if (input.proposal !== undefined) {
    const { account, agent, createdAt: now } = input.grant;
    takeProposal(db, { id: input.proposal, account, agent, now });
  }
  db.insert(grants).values(input.grant).run();
  enqueue(db, [input.event]);
}

function countGrants(db: Transaction, agent: string, now: number): number {
  const isGood = or(isNull(grants.expiresAt), gt(grants.expiresAt, now));
  const held = and(eq(grants.agent, agent), isNull(grants.revokedAt), isGood);
  return db.select({ count: count() }).from(grants).where(held).get()?.count ?? 0;
}

/** Ends a grant. Throws ERR_GRANT_NOT_FOUND for one that is not there, not the account's, or ended. */
export function revokeGrant(
  db: Transaction,
  input: { readonly account: string; readonly grant: string; readonly now: number; readonly event: AuditEvent },
): void {
  const revoked = db
    .update(grants)
    .set({ revokedAt: input.now })
    .where(and(eq(grants.id, input.grant), eq(grants.account, input.account), isNull(grants.revokedAt)))
    .run();
  if (revoked.changes !== 1) throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "there is no live grant of that id", {});
  enqueueRevocation(db, [input.event]);
}
