import { AgentKeysError, type Json } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { instant } from "../json/instant.ts";
import type { AuthFacade } from "../facade/auth.ts";
import { badCode } from "../store/commands/codes.ts";
import { hashSecret, newSecret, newUserCode, normalizeCode } from "./secret.ts";

/** A request to start signing in. `thumbprint` is of the DPoP key, which an out-of-band method demands. */
export interface SignInStart {
  readonly method: string;
  readonly ask: Json;
  readonly claimCode: string | undefined;
  readonly clientName: string;
  readonly source: string;
  readonly thumbprint: string | undefined;
  /** The session whose account the proven identity shall be linked to, in place of a sign-in. */
  readonly linkSession?: string;
}

/** Seconds between polls. */
export const pollInterval = 2;

/** The sign-in method of that name. Throws ERR_AUTH_METHOD. */
export function findMethod(broker: Broker, name: string): AuthFacade {
  const method = broker.auth.get(name);
  if (method === undefined)
    throw new AgentKeysError("ERR_AUTH_METHOD", `there is no sign-in method ${JSON.stringify(name)}`, {
      method: name,
      known: [...broker.auth.keys()],
    });
  return method;
}

/** Starts a sign-in: the challenge, and for an out-of-band method what the starter polls with and shows. */
export async function startSignIn(
  broker: Broker,
  start: SignInStart,
  requestId: string,
): Promise<Record<string, Json>> {
  const method = findMethod(broker, start.method);
  const codeHash = start.claimCode === undefined ? null : assertCode(broker, start.claimCode);
  if (method.flow === "out_of_band" && start.thumbprint === undefined)
    throw new AgentKeysError("ERR_SESSION_DPOP", "this method needs a DPoP proof at its start", { reason: "no proof" });
  const challenge = await method.start(start.ask, requestId);
  const [pollToken, userCode] =
    method.flow === "out_of_band" ? [newSecret(broker.random), newUserCode(broker.random)] : [];
  const now = broker.now();
  await broker.store.write("startAttempt", {
    now,
    attempt: {
      challengeId: challenge.id,
      method: method.name,
      codeHash,
      linkSession: start.linkSession ?? null,
      clientName: start.clientName,
      source: start.source,
      startedAt: now,
      expiresAt: challenge.expiresAt,
      thumbprint: pollToken === undefined ? null : (start.thumbprint ?? null),
      pollHash: pollToken === undefined ? null : hashSecret(pollToken),
      userCodeHash: userCode === undefined ? null : hashSecret(normalizeCode(userCode)),
      triesLeft: 3,
    },
  });
  const waiting =
    pollToken === undefined || userCode === undefined
      ? {}
      : { poll_token: pollToken, user_code: userCode, interval: pollInterval };
  return {
    ...challenge.public,
    challenge_id: challenge.id,
    expires_at: instant(challenge.expiresAt),
    ...waiting,
  };
}

/** The hash of a claim code, invite or recovery code that is good now. Throws ERR_AUTH_CLAIM_CODE, ERR_AUTH_INVITE. */
function assertCode(broker: Broker, code: string): string {
  const hash = hashSecret(normalizeCode(code));
  const isClaimed = broker.readings.isClaimed();
  const isClaim = broker.readings.claimCodeHash() === hash;
  if (isClaim ? !isClaimed : broker.readings.code(hash, broker.now()) !== undefined) return hash;
  throw badCode(isClaim || !isClaimed);
}
