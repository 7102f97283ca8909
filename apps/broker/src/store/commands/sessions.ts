import { and, eq, isNull } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { agents, attempts, codes, pairings, proposals, sessions } from "../schema.ts";
import { enqueueRevocation } from "./outbox.ts";

/** A session as stored. */
export type Session = typeof sessions.$inferSelect;

/** Ends one session of an account, or all of a person's own (without `session`; its agents keep theirs). */
export function revokeSessions(
  db: Transaction,
  input: { readonly account: string; readonly session?: string; readonly now: number; readonly event: AuditEvent },
): void {
  const which = input.session === undefined ? isNull(sessions.agent) : eq(sessions.id, input.session);
  const ended = db
    .update(sessions)
    .set({ revokedAt: input.now })
    .where(and(eq(sessions.account, input.account), which, isNull(sessions.revokedAt)))
    .run();
  if (ended.changes > 0) enqueueRevocation(db, [input.event]);
  else if (input.session !== undefined)
    throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such session", {});
}

/**
 * Ends every session there is, with all that waits to become one, or a grant: sign-ins, pairings, codes, proposals. For a store that comes from a backup,
 * where what was ended since then would live again.
 */
export function endEverySession(
  db: Transaction,
  input: { readonly now: number; readonly events: readonly AuditEvent[] },
): void {
  db.update(sessions).set({ revokedAt: input.now }).where(isNull(sessions.revokedAt)).run();
  for (const waiting of [attempts, pairings, codes, proposals]) db.delete(waiting).run();
  enqueueRevocation(db, input.events);
}

/** Ends an agent: its sessions and proposals with it, and every use of its grants. */
export function revokeAgent(
  db: Transaction,
  input: { readonly account: string; readonly agent: string; readonly now: number; readonly event: AuditEvent },
): void {
  const revoked = db
    .update(agents)
    .set({ revokedAt: input.now })
    .where(and(eq(agents.id, input.agent), eq(agents.account, input.account), isNull(agents.revokedAt)))
    .run();
  if (revoked.changes !== 1) throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "there is no live agent of that id", {});
  db.update(sessions)
    .set({ revokedAt: input.now })
    .where(and(eq(sessions.agent, input.agent), isNull(sessions.revokedAt)))
    .run();
  db.delete(proposals).where(eq(proposals.agent, input.agent)).run();
  enqueueRevocation(db, [input.event]);
}
