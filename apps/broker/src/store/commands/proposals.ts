import { and, asc, eq, gt, isNull, lte } from "../drizzle.ts";
import { AgentKeysError } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { agents, proposals } from "../schema.ts";

/** An agent's wish that waits for its owner, or that the owner has declined. */
export type Proposal = typeof proposals.$inferSelect;

/** Open proposals an agent may have. */
export const mostOpen = 20;

/**
 * Keeps a proposal of a live agent; where the same wish waits already, or was declined, that one is answered. Throws
 * ERR_GRANT_NOT_FOUND for an agent that was revoked, ERR_REQUEST_RATE_LIMITED while as many are open as may be.
 */
export function propose(db: Transaction, input: { readonly proposal: Proposal; readonly now: number }): Proposal {
  const { proposal, now } = input;
  const { account, agent, issuer, scope, ttl, units } = proposal;
  const holder = and(eq(agents.id, agent), eq(agents.account, account), isNull(agents.revokedAt));
  if (db.select().from(agents).where(holder).get() === undefined) throw notFound("there is no live agent of that id");
  const isKept = and(eq(proposals.agent, agent), gt(proposals.expiresAt, now));
  const kept = db.select().from(proposals).where(isKept).orderBy(asc(proposals.expiresAt)).all();
  const same = kept.find(
    (one) => one.issuer === issuer && one.scope === scope && one.ttl === ttl && one.units === units,
  );
  if (same !== undefined) return same;
  const open = kept.filter(({ declinedAt }) => declinedAt === null);
  const [oldest] = open;
  if (oldest !== undefined && open.length >= mostOpen) {
    const retryAfter = Math.ceil((oldest.expiresAt - now) / 1000);
    throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", `an agent has at most ${mostOpen} open proposals`, {
      retryAfter,
    });
  }
  db.insert(proposals).values(proposal).run();
  return proposal;
}

/** Which proposal, of which account. */
export interface ProposalChoice {
  readonly id: string;
  readonly account: string;
  readonly now: number;
}

function isOpen({ id, account, now }: ProposalChoice) {
  const mine = and(eq(proposals.id, id), eq(proposals.account, account));
  return and(mine, isNull(proposals.declinedAt), gt(proposals.expiresAt, now));
}

/** Inside the command that makes a grant of it: takes an open proposal away, so that it serves once. Throws ERR_GRANT_NOT_FOUND. */
export function takeProposal(db: Transaction, choice: ProposalChoice & { readonly agent: string }): void {
  const taken = db
    .delete(proposals)
    .where(and(isOpen(choice), eq(proposals.agent, choice.agent)))
    .run();
  if (taken.changes !== 1) throw notFound("there is no open proposal of that id");
}

/** Declines an open proposal. Throws ERR_GRANT_NOT_FOUND. */
export function declineProposal(db: Transaction, choice: ProposalChoice): void {
  const declined = db.update(proposals).set({ declinedAt: choice.now }).where(isOpen(choice)).run();
  if (declined.changes !== 1) throw notFound("there is no open proposal of that id");
}

/** Drops the proposals that have expired. */
export function sweepProposals(db: Transaction, input: { readonly now: number }): void {
  db.delete(proposals).where(lte(proposals.expiresAt, input.now)).run();
}

function notFound(message: string): AgentKeysError {
  return new AgentKeysError("ERR_GRANT_NOT_FOUND", message, {});
}
