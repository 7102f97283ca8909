import { eq } from "../drizzle.ts";
import type { AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { settings } from "../schema.ts";

/** Name of the setting that holds the event which seals the log's epoch, as JSON. */
export const sealSetting = "seal";

/**
 * Decides that the log's epoch ends with this event, before it stands there: a try cut short is gone on with by the same event, the
 * one that was decided on first.
 */
export function sealLog(db: Transaction, { event }: { readonly event: AuditEvent }): void {
  db.insert(settings)
    .values({ key: sealSetting, value: JSON.stringify(event) })
    .onConflictDoNothing()
    .run();
}

/** Lets a log that was sealed go on, under its next epoch. */
export function unsealLog(db: Transaction): void {
  db.delete(settings).where(eq(settings.key, sealSetting)).run();
}
