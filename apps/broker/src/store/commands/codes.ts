import { and, eq, gt, lte } from "../drizzle.ts";
import { AgentKeysError } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { accounts, codes, settings } from "../schema.ts";
import { isClaimed } from "./accounts.ts";

/** A code the operator made, as stored. */
export type Code = typeof codes.$inferSelect;

/** What a code is good for now. */
export type GoodCode =
  | { readonly kind: "claim"; readonly row?: undefined }
  | { readonly kind: "invite" | "recovery"; readonly row: Code };

/** Invites that may be open at once. */
const mostInvites = 1000;

/** Inside another command: what a code is good for; undefined for one that is wrong, spent, renewed, revoked or expired. */
export function findCode(db: Transaction, hash: string, now: number): GoodCode | undefined {
  if (isClaimCode(db, hash)) return isClaimed(db) ? undefined : { kind: "claim" };
  const live = and(eq(codes.hash, hash), gt(codes.expiresAt, now));
  const row = db.select().from(codes).where(live).get();
  return row === undefined ? undefined : { kind: row.kind, row };
}

/** Inside another command: the error for a code that is good for nothing. */
export function wrongCode(db: Transaction, hash: string): AgentKeysError {
  return badCode(!isClaimed(db) || isClaimCode(db, hash));
}

/** The error for a wrong code, by whether it can only have been meant as a claim code. */
export function badCode(isClaim: boolean): AgentKeysError {
  return isClaim
    ? new AgentKeysError("ERR_AUTH_CLAIM_CODE", "the claim code is wrong or no longer of use", {})
    : new AgentKeysError("ERR_AUTH_INVITE", "the invite or recovery code is wrong, used or expired", {});
}

function isClaimCode(db: Transaction, hash: string): boolean {
  return db.select().from(settings).where(eq(settings.key, "claim_code")).get()?.value === hash;
}

/** Keeps a code that was made; a recovery code replaces the account's one before. Throws ERR_REQUEST_NOT_FOUND (account). */
export function createCode(db: Transaction, input: { readonly code: Code }): void {
  const { code } = input;
  db.delete(codes).where(lte(codes.expiresAt, code.createdAt)).run();
  if (code.account !== null) {
    const account = db.select().from(accounts).where(eq(accounts.account, code.account)).get();
    if (account === undefined) throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such account", {});
    db.delete(codes).where(eq(codes.account, code.account)).run();
  }
  if (db.select().from(codes).limit(mostInvites).all().length >= mostInvites)
    throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", `${mostInvites} codes are open; revoke some`, {
      retryAfter: 3600,
    });
  db.insert(codes).values(code).run();
}

/** Ends an invite. Throws ERR_REQUEST_NOT_FOUND. */
export function revokeInvite(db: Transaction, input: { readonly id: string }): void {
  const gone = db
    .delete(codes)
    .where(and(eq(codes.id, input.id), eq(codes.kind, "invite")))
    .run();
  if (gone.changes !== 1) throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such invite", {});
}
