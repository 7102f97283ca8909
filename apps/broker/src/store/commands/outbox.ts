import { lte } from "../drizzle.ts";
import type { AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { outbox } from "../schema.ts";

/** Inside another command: the events that tell of it, so that neither is ever there without the other. */
export function enqueue(db: Transaction, events: readonly AuditEvent[]): void {
  for (const event of events) db.insert(outbox).values({ event }).run();
}

/** Takes away the events up to a position, once the log has them. */
export function acknowledgeEvents(db: Transaction, input: { readonly through: number }): void {
  db.delete(outbox).where(lte(outbox.position, input.through)).run();
}

/** Puts events on their way to the log that tell of no other change, e.g. a denial. */
export function recordEvents(db: Transaction, input: { readonly events: readonly AuditEvent[] }): void {
  enqueue(db, input.events);
}
