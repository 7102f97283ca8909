import { and, eq } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent, type Identity } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { accounts, attempts, identities, sessions, settings } from "../schema.ts";
import { enqueue } from "./outbox.ts";

/** Replaces the claim code while nobody has claimed the broker; answers whether it is still to be claimed. */
export function renewClaimCode(db: Transaction, input: { readonly hash: string }): boolean {
  if (isClaimed(db)) return false;
  db.insert(settings)
    .values({ key: "claim_code", value: input.hash })
    .onConflictDoUpdate({ target: settings.key, set: { value: input.hash } })
    .run();
  return true;
}

function isClaimed(db: Transaction): boolean {
  return db.select().from(accounts).where(eq(accounts.role, "operator")).get() !== undefined;
}

/** A session to open, as `openSession` writes it. */
export interface NewSession {
  readonly id: string;
  readonly thumbprint: string;
  readonly clientId: string;
  readonly amr: readonly string[];
  readonly authTime: number;
  readonly expiresAt: number;
  readonly refreshHash: string;
}

/** What a completed proof leads to. `events` are made by the caller for both cases, since the account is decided here. */
export interface SignIn {
  readonly challengeId: string;
  readonly identity: Identity;
  /** The OmniAccount a new account would have. */
  readonly omni: string;
  readonly signUp: "first" | "open";
  readonly now: number;
  readonly session: NewSession;
  readonly createdEvent: AuditEvent;
  readonly signedInEvent: AuditEvent;
}

/**
 * Ends an attempt with a session: in the account of the identity, or in a new one where sign-up allows it. A claim code is spent
 * here and only here. Throws ERR_AUTH_CHALLENGE (over already), ERR_AUTH_SIGN_UP, ERR_AUTH_CLAIM_CODE.
 */
export function completeSignIn(
  db: Transaction,
  input: SignIn,
): { readonly account: string; readonly isClaim: boolean } {
  const [attempt] = db.delete(attempts).where(eq(attempts.challengeId, input.challengeId)).returning().all();
  if (attempt === undefined || attempt.expiresAt <= input.now) {
    throw new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
  }
  const known = db
    .select()
    .from(identities)
    .where(and(eq(identities.type, input.identity.type), eq(identities.value, input.identity.value)))
    .get();
  const account = known?.account ?? openAccount(db, input, attempt.hasClaim);
  db.insert(sessions)
    .values({ ...input.session, account, createdAt: input.now })
    .run();
  enqueue(db, [{ ...input.signedInEvent, account }]);
  return { account, isClaim: known === undefined && attempt.hasClaim };
}

function openAccount(db: Transaction, input: SignIn, hasClaim: boolean): string {
  const wasClaimed = isClaimed(db);
  if (hasClaim && wasClaimed) throw new AgentKeysError("ERR_AUTH_CLAIM_CODE", "the claim code has been spent", {});
  if (!hasClaim && input.signUp === "first") {
    throw new AgentKeysError("ERR_AUTH_SIGN_UP", "this identity has no account, and sign-up is closed", {});
  }
  db.insert(accounts)
    .values({ account: input.omni, role: hasClaim ? "operator" : "member", createdAt: input.now })
    .run();
  db.insert(identities)
    .values({ ...input.identity, account: input.omni, linkedAt: input.now })
    .run();
  if (hasClaim) db.delete(settings).where(eq(settings.key, "claim_code")).run();
  enqueue(db, [{ ...input.createdEvent, account: input.omni }]);
  return input.omni;
}
