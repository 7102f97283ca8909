import { and, eq, gt, isNull } from "../drizzle.ts";
import type { AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { accounts, sessions } from "../schema.ts";
import { enqueueRevocation } from "./outbox.ts";
import type { Session } from "./sessions.ts";

/** How long the token before the newest is taken once more, in milliseconds: the answer with the newest may have been lost. */
export const graceTime = 60_000;

/** What a session knows of its refresh tokens, by their hashes. */
export interface RefreshState {
  readonly refreshHash: string;
  /** The one before, until it was used once more or the newest tokens were seen in use. */
  readonly previousHash: string | null;
  readonly rotatedAt: number | null;
}

/**
 * What to do with a presented token: give the next one, or end the session. Anything but the newest token, or in its grace the one
 * before, has two holders, and one of them is not the rightful one.
 */
export function nextRefreshState(
  state: RefreshState,
  presented: string,
  next: string,
  now: number,
): RefreshState | "reuse" {
  if (presented === state.refreshHash) return { refreshHash: next, previousHash: presented, rotatedAt: now };
  const isInGrace = state.rotatedAt !== null && now - state.rotatedAt <= graceTime && now >= state.rotatedAt;
  if (presented === state.previousHash && isInGrace)
    return { refreshHash: next, previousHash: null, rotatedAt: state.rotatedAt };
  return "reuse";
}

/** What came of a presented refresh token. */
export type RefreshVerdict =
  | { readonly verdict: "rotated"; readonly session: Session }
  | { readonly verdict: "refused" | "suspended" };

/**
 * Rotates the refresh token of a live session, for the key and client it is bound to; with another key or client nothing happens to
 * it. Reuse ends the session, and with it every token that came of the same sign-in or pairing.
 */
export function rotateRefreshToken(
  db: Transaction,
  input: {
    readonly session: string;
    readonly thumbprint: string;
    readonly clientId: string | undefined;
    readonly oldHash: string;
    readonly newHash: string;
    readonly tokenId: string;
    readonly expiresAt: number;
    readonly now: number;
    readonly revokedEvent: AuditEvent;
  },
): RefreshVerdict {
  const live = and(
    eq(sessions.id, input.session),
    eq(sessions.thumbprint, input.thumbprint),
    isNull(sessions.revokedAt),
    gt(sessions.expiresAt, input.now),
  );
  const session = db.select().from(sessions).where(live).get();
  if (session === undefined) return { verdict: "refused" };
  if (input.clientId !== undefined && input.clientId !== session.clientId) return { verdict: "refused" };
  const account = db.select().from(accounts).where(eq(accounts.account, session.account)).get();
  if (account?.suspendedAt !== null) return { verdict: "suspended" };
  const state = nextRefreshState(session, input.oldHash, input.newHash, input.now);
  if (state === "reuse") {
    // Not thrown: a throw would undo the revocation.
    db.update(sessions).set({ revokedAt: input.now }).where(eq(sessions.id, session.id)).run();
    enqueueRevocation(db, [
      { ...input.revokedEvent, account: session.account, ...(session.agent === null ? {} : { agent: session.agent }) },
    ]);
    return { verdict: "refused" };
  }
  const changed = { ...state, tokenId: input.tokenId, expiresAt: input.expiresAt };
  db.update(sessions).set(changed).where(eq(sessions.id, session.id)).run();
  return { verdict: "rotated", session: { ...session, ...changed } };
}

/** The newest access token was seen in use: its holder has the newest refresh token too, and the one before is of no use any more. */
export function settleRefreshToken(
  db: Transaction,
  input: { readonly session: string; readonly tokenId: string },
): void {
  db.update(sessions)
    .set({ previousHash: null })
    .where(and(eq(sessions.id, input.session), eq(sessions.tokenId, input.tokenId)))
    .run();
}
