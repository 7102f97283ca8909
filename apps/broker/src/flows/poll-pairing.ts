import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { hashSecret } from "./secret.ts";
import { issueTokens, planSession, type SessionTokens } from "./session.ts";

/** Answers a poll with a device code (RFC 8628 section 3.4): the agent's session, once. */
export async function pollPairing(
  broker: Broker,
  input: { deviceCode: string; clientId: string; thumbprint: string },
): Promise<SessionTokens> {
  const { session, refreshToken } = planSession(broker, {
    thumbprint: input.thumbprint,
    clientId: input.clientId,
    amr: [],
    authTime: broker.now(),
  });
  const found = await broker.store.write("pollPairing", {
    deviceHash: hashSecret(input.deviceCode),
    thumbprint: input.thumbprint,
    clientId: input.clientId,
    now: broker.now(),
    session,
  });
  switch (found.verdict) {
    case "approved":
      return issueTokens(broker, session, refreshToken, { agent: found.agent });
    case "pending":
      throw new AgentKeysError("ERR_SESSION_PENDING", "the person has not decided yet", {});
    case "slow_down":
      throw new AgentKeysError("ERR_SESSION_SLOW_DOWN", "polled too soon", {});
    case "denied":
      throw new AgentKeysError("ERR_SESSION_DENIED", "the person denied the request", {});
    case "expired":
      throw new AgentKeysError("ERR_SESSION_EXPIRED", "the device code has expired", {});
    case "unknown":
      throw new AgentKeysError(
        "ERR_SESSION_GRANT",
        "the device code is unknown, used, or bound to another key or client",
        {},
      );
  }
}
