import { AgentKeysError, newIdentifier } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import { newEvent } from "./event.ts";
import { hashSecret, newSecret } from "./secret.ts";
import { issueTokens, sessionLife, type SessionTokens } from "./session.ts";

/** Rotates a refresh token for the holder of its key, as the client it was given to. Throws ERR_SESSION_GRANT, ERR_AUTH_SUSPENDED. */
export async function refreshSession(
  broker: Broker,
  input: { refreshToken: string; thumbprint: string; clientId: string | undefined },
): Promise<SessionTokens> {
  const { refreshToken, thumbprint, clientId } = input;
  const [id = ""] = refreshToken.split(".", 1);
  const next = `${id}.${newSecret(broker.random)}`;
  const now = broker.now();
  const tokenId = newIdentifier("jti", broker.random(16));
  const outcome = await broker.store.write("rotateRefreshToken", {
    session: id,
    thumbprint,
    clientId,
    tokenId,
    oldHash: hashSecret(refreshToken),
    newHash: hashSecret(next),
    expiresAt: now + sessionLife,
    now,
    revokedEvent: newEvent(broker, RecordType.sessionRevoked, { code: "ERR_SESSION_GRANT" }),
  });
  if (outcome.verdict === "suspended") throw new AgentKeysError("ERR_AUTH_SUSPENDED", "the account is suspended", {});
  if (outcome.verdict !== "rotated") {
    await broker.outbox.drain();
    throw new AgentKeysError(
      "ERR_SESSION_GRANT",
      "the refresh token is unknown, used, expired or bound to another key or client",
      {},
    );
  }
  const { session } = outcome;
  return issueTokens(
    broker,
    { ...session, tokenId },
    next,
    session.agent === null ? { account: session.account } : { agent: session.agent },
  );
}

/** Ends one session of an account, or (without `session`) all its own. */
export async function revokeSessions(broker: Broker, account: string, session?: string): Promise<void> {
  const event = newEvent(broker, RecordType.sessionRevoked, { account });
  await broker.store.write("revokeSessions", {
    account,
    now: broker.now(),
    event,
    ...(session === undefined ? {} : { session }),
  });
  await broker.outbox.drain();
}
