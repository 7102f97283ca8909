import { AgentKeysError, type Identity, type Json } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { hashSecret } from "./secret.ts";
import { findMethod, pollInterval } from "./start-sign-in.ts";

/** An identity that was proven in an attempt of this broker. Nothing has followed from it yet. */
export interface Proof {
  readonly challengeId: string;
  readonly identity: Identity;
  readonly amr: readonly string[];
  /** Milliseconds. */
  readonly provenAt: number;
}

/** What a poll finds before the browser is done. */
export interface Pending {
  readonly status: "pending";
  readonly interval: number;
}

/**
 * The proof in an answer to an in-band challenge, of an attempt with that purpose: a sign-in, or linking by a session. Throws
 * ERR_AUTH_CHALLENGE and what the method throws.
 */
export async function proveInBand(
  broker: Broker,
  input: { method?: string; challengeId: string; answer: Json; linkSession: string | null },
  requestId: string,
): Promise<Proof> {
  const { challengeId, answer, linkSession } = input;
  const attempt = broker.readings.attempt(challengeId);
  if (attempt === undefined || attempt.linkSession !== linkSession) throw unknownChallenge();
  const method = findMethod(broker, input.method ?? attempt.method);
  if (method.flow !== "in_band" || attempt.method !== method.name) throw unknownChallenge();
  const { identity, amr, challengeId: answered } = await method.finish(answer, requestId);
  if (answered !== challengeId) throw unknownChallenge();
  return { challengeId, identity, amr, provenAt: broker.now() };
}

/**
 * What the holder of a poll token and its key may have: the proof once the browser is done. Throws ERR_AUTH_CHALLENGE,
 * ERR_REQUEST_RATE_LIMITED.
 */
export function pollProof(
  broker: Broker,
  input: { pollToken: string; thumbprint: string; linkSession: string | null },
): Proof | Pending {
  const attempt = broker.readings.attemptByPoll(hashSecret(input.pollToken));
  if (
    attempt === undefined ||
    attempt.expiresAt <= broker.now() ||
    attempt.thumbprint !== input.thumbprint ||
    attempt.linkSession !== input.linkSession
  )
    throw unknownChallenge();
  // Of a sign-in that is there: counts of made-up tokens would fill the limiter, and then everybody's polls share one count.
  broker.limits.take("polls", attempt.challengeId);
  if (attempt.proven === null) return { status: "pending", interval: pollInterval };
  const { type, value, amr, provenAt } = attempt.proven;
  return { challengeId: attempt.challengeId, identity: { type, value }, amr, provenAt };
}

function unknownChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
}
