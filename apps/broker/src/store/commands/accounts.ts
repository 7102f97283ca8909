import { and, count, eq, isNull } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { accounts, settings } from "../schema.ts";
import { enqueueRevocation } from "./outbox.ts";

/** An account as stored. */
export type Account = typeof accounts.$inferSelect;

/** Replaces the claim code while nobody has claimed the broker; answers whether it is still to be claimed. */
export function renewClaimCode(db: Transaction, input: { readonly hash: string }): boolean {
  if (isClaimed(db)) return false;
  db.insert(settings)
    .values({ key: "claim_code", value: input.hash })
    .onConflictDoUpdate({ target: settings.key, set: { value: input.hash } })
    .run();
  return true;
}

/** Inside another command: whether there is an operator. */
export function isClaimed(db: Transaction): boolean {
  return db.select().from(accounts).where(eq(accounts.role, "operator")).get() !== undefined;
}

/**
 * Keeps an account from doing anything, or lets it again; in the state it is in already, nothing happens. Throws ERR_REQUEST_NOT_FOUND,
 * ERR_AUTH_LAST_OPERATOR.
 */
export function suspendAccount(
  db: Transaction,
  input: { readonly account: string; readonly suspended: boolean; readonly now: number; readonly event: AuditEvent },
): void {
  const account = db.select().from(accounts).where(eq(accounts.account, input.account)).get();
  if (account === undefined) throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such account", {});
  if ((account.suspendedAt !== null) === input.suspended) return;
  if (input.suspended) assertNotLastOperator(db, account);
  db.update(accounts)
    .set({ suspendedAt: input.suspended ? input.now : null })
    .where(eq(accounts.account, input.account))
    .run();
  enqueueRevocation(db, [input.event]);
}

/** Inside another command: throws ERR_AUTH_LAST_OPERATOR when nobody could operate the broker without this account. */
export function assertNotLastOperator(db: Transaction, account: Account): void {
  if (account.role !== "operator" || account.suspendedAt !== null) return;
  const active = and(eq(accounts.role, "operator"), isNull(accounts.suspendedAt));
  if ((db.select({ count: count() }).from(accounts).where(active).get()?.count ?? 0) > 1) return;
  throw new AgentKeysError("ERR_AUTH_LAST_OPERATOR", "this is the only operator who can do anything", {});
}
