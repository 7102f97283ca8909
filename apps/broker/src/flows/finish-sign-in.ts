import { AgentKeysError, omniAccount, type Identity, type Json } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import { newEvent } from "./event.ts";
import { hashSecret } from "./secret.ts";
import { issueTokens, planSession, type SessionTokens } from "./session.ts";
import { findMethod, pollInterval } from "./start-sign-in.ts";

/** Finishes an in-band sign-in with a session bound to the key of the proof. */
export async function finishSignIn(
  broker: Broker,
  input: { method: string; challengeId: string; answer: Json; thumbprint: string },
  requestId: string,
): Promise<SessionTokens> {
  const method = findMethod(broker, input.method);
  const attempt = broker.readings.attempt(input.challengeId);
  if (method.flow !== "in_band" || attempt?.method !== method.name) throw unknownChallenge();
  const proven = await method.finish(input.answer, requestId);
  if (proven.challengeId !== input.challengeId) throw unknownChallenge();
  return complete(broker, { ...input, identity: proven.identity, amr: proven.amr, provenAt: broker.now() });
}

/** What a poll finds: still pending, or (once) the session. */
export async function pollSignIn(
  broker: Broker,
  input: { pollToken: string; thumbprint: string },
): Promise<SessionTokens | { readonly status: "pending"; readonly interval: number }> {
  const attempt = broker.readings.attemptByPoll(hashSecret(input.pollToken));
  if (attempt === undefined || attempt.expiresAt <= broker.now() || attempt.thumbprint !== input.thumbprint)
    throw unknownChallenge();
  if (attempt.proven === null) return { status: "pending", interval: pollInterval };
  const { type, value, amr, provenAt } = attempt.proven;
  return complete(broker, {
    challengeId: attempt.challengeId,
    thumbprint: input.thumbprint,
    identity: { type, value },
    amr,
    provenAt,
  });
}

async function complete(
  broker: Broker,
  proof: { challengeId: string; thumbprint: string; identity: Identity; amr: readonly string[]; provenAt: number },
): Promise<SessionTokens> {
  const { challengeId, thumbprint, identity, amr, provenAt } = proof;
  const { session, refreshToken } = planSession(broker, {
    thumbprint,
    clientId: broker.clients[0] ?? "agentkeys",
    amr,
    authTime: provenAt,
  });
  const { account, isClaim } = await broker.store.write("completeSignIn", {
    challengeId,
    identity,
    omni: omniAccount(identity),
    signUp: broker.signUp,
    now: broker.now(),
    session,
    createdEvent: newEvent(broker, RecordType.accountCreated, {}),
    signedInEvent: newEvent(broker, RecordType.signIn, {}),
  });
  if (isClaim) broker.onClaimed();
  await broker.outbox.drain();
  return issueTokens(broker, session, refreshToken, { account });
}

function unknownChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
}
