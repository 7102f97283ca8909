import { eq } from "../drizzle.ts";
import type { AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { intents } from "../schema.ts";
import { enqueue } from "./outbox.ts";

/** A use of an issuer that calls out, whose result is not recorded yet. */
export type Intent = typeof intents.$inferSelect;

/**
 * Ends an intent: its result stands in the log or, with `event`, is on its way there. Throws ERR_AUDIT_UNAVAILABLE while too many events
 * wait; then the intent stays open.
 */
export function closeIntent(
  db: Transaction,
  { record, event }: { readonly record: string; readonly event?: AuditEvent },
): void {
  const gone = db.delete(intents).where(eq(intents.record, record)).run();
  if (gone.changes === 1 && event !== undefined) enqueue(db, [event]);
}
