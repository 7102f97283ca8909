import { and, eq } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent, type Identity } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { accounts, agents, attempts, codes, sessions } from "../schema.ts";
import type { Attempt } from "./attempts.ts";
import { findCode, wrongCode, type GoodCode } from "./codes.ts";
import { cannotLink, findIdentity, linkTo, type IdentityRow } from "./identities.ts";
import { enqueue } from "./outbox.ts";

/** A session to open. */
export interface NewSession {
  readonly id: string;
  readonly thumbprint: string;
  readonly clientId: string;
  readonly amr: readonly string[];
  readonly authTime: number;
  readonly expiresAt: number;
  readonly refreshHash: string;
  readonly tokenId: string;
}

/** What a completed proof leads to. The events are made by the caller for each case, since the account is decided here. */
export interface SignIn {
  readonly challengeId: string;
  readonly identity: Identity;
  /** The OmniAccount a new account would have. */
  readonly omni: string;
  readonly signUp: "first" | "invite" | "open";
  readonly now: number;
  readonly session: NewSession;
  readonly events: {
    readonly created: AuditEvent;
    readonly recovered: AuditEvent;
    readonly claimed: AuditEvent;
    readonly signedIn: AuditEvent;
  };
}

/** Whose session it is, and how that came. */
export interface SignInOutcome {
  readonly account: string;
  readonly by: "identity" | "claim" | "invite" | "recovery" | "sign_up";
}

/**
 * Ends an attempt with a session: in the account of the identity, in the one that a recovery code opens, or in a new one where sign-up
 * allows it. A code is spent here and only here. Throws ERR_AUTH_CHALLENGE (over already), ERR_AUTH_SIGN_UP, ERR_AUTH_CLAIM_CODE,
 * ERR_AUTH_INVITE, ERR_AUTH_SUSPENDED, ERR_AUTH_IDENTITY (recovery with an identity that has an account).
 */
export function completeSignIn(db: Transaction, input: SignIn): SignInOutcome {
  const [attempt] = db.delete(attempts).where(eq(attempts.challengeId, input.challengeId)).returning().all();
  if (attempt === undefined || attempt.expiresAt <= input.now || attempt.linkSession !== null)
    throw new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
  const outcome = decide(db, input, attempt);
  const account = db.select().from(accounts).where(eq(accounts.account, outcome.account)).get();
  if (account?.suspendedAt !== null) throw new AgentKeysError("ERR_AUTH_SUSPENDED", "the account is suspended", {});
  db.insert(sessions)
    .values({ ...input.session, account: outcome.account, createdAt: input.now })
    .run();
  enqueue(db, [{ ...input.events.signedIn, account: outcome.account }]);
  return outcome;
}

function decide(db: Transaction, input: SignIn, attempt: Attempt): SignInOutcome {
  const known = findIdentity(db, input.identity);
  const code = attempt.codeHash === null ? undefined : findCode(db, attempt.codeHash, input.now);
  if (code?.kind === "recovery") return recover(db, input, code.row.account ?? "", known);
  if (known?.retiredAt === null) return signInTo(db, input, known.account, code);
  // Said only to the one who has proven it, and in the words for any identity without an account.
  if (known !== undefined) throw noSignUp();
  return open(db, input, attempt, code);
}

function signInTo(db: Transaction, input: SignIn, account: string, code: GoodCode | undefined): SignInOutcome {
  if (code?.kind !== "claim") return { account, by: "identity" };
  db.update(accounts).set({ role: "operator" }).where(eq(accounts.account, account)).run();
  enqueue(db, [{ ...input.events.claimed, account }]);
  return { account, by: "claim" };
}

function open(db: Transaction, input: SignIn, attempt: Attempt, code: GoodCode | undefined): SignInOutcome {
  if (attempt.codeHash !== null && code === undefined) throw wrongCode(db, attempt.codeHash);
  if (code === undefined && input.signUp !== "open") throw noSignUp();
  if (code?.kind === "invite" && input.signUp === "first") throw noSignUp();
  const role = code?.kind === "claim" ? "operator" : (code?.row?.role ?? "member");
  db.insert(accounts).values({ account: input.omni, role, createdAt: input.now }).run();
  linkTo(db, input.omni, input.identity, input.now);
  if (code?.kind === "invite") db.delete(codes).where(eq(codes.hash, code.row.hash)).run();
  enqueue(db, [{ ...input.events.created, account: input.omni }]);
  return { account: input.omni, by: code?.kind ?? "sign_up" };
}

/** Links the proven identity to the account, and takes away all that was given out before. The code is spent. */
function recover(db: Transaction, input: SignIn, account: string, known: IdentityRow | undefined): SignInOutcome {
  if (known !== undefined && !(known.account === account && known.retiredAt !== null)) throw cannotLink();
  linkTo(db, account, input.identity, input.now);
  const revoked = { revokedAt: input.now };
  db.update(sessions).set(revoked).where(eq(sessions.account, account)).run();
  db.update(agents).set(revoked).where(eq(agents.account, account)).run();
  db.delete(codes)
    .where(and(eq(codes.kind, "recovery"), eq(codes.account, account)))
    .run();
  enqueue(db, [{ ...input.events.recovered, account }]);
  return { account, by: "recovery" };
}

function noSignUp(): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_SIGN_UP", "this identity has no account, and sign-up is closed to it", {});
}
