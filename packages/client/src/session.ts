import * as v from "valibot";
import type { Clock } from "./clock.ts";

/** Tokens bound to a key. A secret, of use only with that key. */
export interface Session {
  readonly accessToken: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** Good once: its answer brings the next one. */
  readonly refreshToken: string;
}

/** Where a session is kept beyond this process. */
export interface SessionKeeper {
  /** Stores the session; it resolves when the session would survive a crash. Only then is the new refresh token used. */
  save(session: Session): Promise<void>;
  /**
   * Runs `work` while no other process refreshes, and hands it the session as it is stored now. Needed where several processes
   * share one session, because a refresh token used twice ends it.
   */
  exclusively?<Result>(work: (stored: Session | undefined) => Promise<Result>): Promise<Result>;
}

/** The answer of `/oauth/token`, of a finished sign-in and of a completed poll. */
export const tokenSchema = v.object({
  access_token: v.string(),
  token_type: v.literal("DPoP"),
  // At most a year: what is not a time could not be stored either.
  expires_in: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(31_536_000)),
  refresh_token: v.string(),
  account: v.optional(v.string()),
  agent: v.optional(v.string()),
});

/** A token answer at the door. */
export type TokenAnswer = v.InferOutput<typeof tokenSchema>;

/** The session of a token answer that arrived now. */
export function sessionOf(answer: TokenAnswer, clock: Clock): Session {
  return {
    accessToken: answer.access_token,
    expiresAt: clock.now() + answer.expires_in * 1000,
    refreshToken: answer.refresh_token,
  };
}

// Renewed a little early, so that a token does not expire on its way.
const margin = 15_000;

/** True while the access token may still be sent. */
export function isUsable(session: Session, clock: Clock): boolean {
  return session.expiresAt - margin > clock.now();
}
