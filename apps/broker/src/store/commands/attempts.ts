import { and, eq, gt, isNull, lte } from "../drizzle.ts";
import { AgentKeysError } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { attempts, type ProvenAttempt } from "../schema.ts";

/** A sign-in that was started. */
export type Attempt = typeof attempts.$inferSelect;

/** Remembers a sign-in that was started; drops those that are over. */
export function startAttempt(
  db: Transaction,
  input: { readonly attempt: Omit<Attempt, "proven">; readonly now: number },
): void {
  db.delete(attempts).where(lte(attempts.expiresAt, input.now)).run();
  db.insert(attempts)
    .values({ ...input.attempt, proven: null })
    .run();
}

/** What came of a typed user code: right, or wrong with so many tries left. Unknown is wrong with none left. */
export interface UserCodeVerdict {
  readonly isRight: boolean;
  readonly triesLeft: number;
}

/** Checks the user code typed into a confirm page. A third wrong one ends the attempt. */
export function tryUserCode(
  db: Transaction,
  input: { readonly challengeId: string; readonly userCodeHash: string; readonly now: number },
): UserCodeVerdict {
  const attempt = db.select().from(attempts).where(isOpen(input)).get();
  if (attempt === undefined) return { isRight: false, triesLeft: 0 };
  if (attempt.userCodeHash === input.userCodeHash) return { isRight: true, triesLeft: attempt.triesLeft };
  const triesLeft = attempt.triesLeft - 1;
  if (triesLeft <= 0) db.delete(attempts).where(eq(attempts.challengeId, input.challengeId)).run();
  else db.update(attempts).set({ triesLeft }).where(eq(attempts.challengeId, input.challengeId)).run();
  return { isRight: false, triesLeft };
}

/** Keeps what a browser proved for the starter's next poll. Throws ERR_AUTH_CHALLENGE when nobody waits for it. */
export function proveAttempt(
  db: Transaction,
  input: { readonly challengeId: string; readonly proven: ProvenAttempt; readonly now: number },
): void {
  const changed = db.update(attempts).set({ proven: input.proven }).where(isOpen(input)).run();
  if (changed.changes !== 1)
    throw new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
}

/** In its time, and nothing proven yet. */
function isOpen({ challengeId, now }: { readonly challengeId: string; readonly now: number }) {
  return and(eq(attempts.challengeId, challengeId), gt(attempts.expiresAt, now), isNull(attempts.proven));
}
