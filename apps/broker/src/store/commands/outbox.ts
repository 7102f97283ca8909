import { count, eq, lte } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { accounts, agents, outbox } from "../schema.ts";

/** Events that may wait for the log. Beyond it, what they would tell of is refused. */
export const mostWaiting = 1000;

/**
 * Inside another command: the events that tell of it, so that neither is ever there without the other. Throws ERR_AUDIT_UNAVAILABLE
 * while as many wait as may.
 */
export function enqueue(db: Transaction, events: readonly AuditEvent[]): void {
  const waiting = db.select({ count: count() }).from(outbox).get()?.count ?? 0;
  if (waiting + events.length > mostWaiting)
    throw new AgentKeysError("ERR_AUDIT_UNAVAILABLE", "too many events wait for the log", {
      reason: "too many events wait for the log",
    });
  enqueueRevocation(db, events);
}

/**
 * The same for a command that takes power away: however many wait, since nobody shall keep it because the log is gone. There are no
 * more of these than there was power to take.
 */
export function enqueueRevocation(db: Transaction, events: readonly AuditEvent[]): void {
  for (const event of events) db.insert(outbox).values({ event }).run();
}

/** Takes away the events up to a position, once the log has them. */
export function acknowledgeEvents(db: Transaction, input: { readonly through: number }): void {
  db.delete(outbox).where(lte(outbox.position, input.through)).run();
}

/**
 * Puts events on their way to the log that tell of no other change, e.g. a denial. One of an account that was erased meanwhile names
 * nobody: the log would begin a new key for it, under which it could be opened.
 */
export function recordEvents(db: Transaction, input: { readonly events: readonly AuditEvent[] }): void {
  enqueue(
    db,
    input.events.map((event) => (isOfErased(db, event) ? withoutPersons(event) : event)),
  );
}

function isOfErased(db: Transaction, { account, agent }: AuditEvent): boolean {
  const held = account === undefined || db.select().from(accounts).where(eq(accounts.account, account)).get();
  // By the agent too: the account may be there again, made by the same identity.
  const known = agent === undefined || db.select().from(agents).where(eq(agents.id, agent)).get();
  return held === undefined || known === undefined;
}

function withoutPersons(event: AuditEvent): AuditEvent {
  const { account: _1, agent: _2, wallet: _3, scope: _4, grant: _5, credential: _6, ...rest } = event;
  return rest;
}
