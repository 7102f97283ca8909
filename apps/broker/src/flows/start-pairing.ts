import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { hashSecret, newSecret, newUserCode, normalizeCode } from "./secret.ts";

const pairingLife = 600;
const pollInterval = 5;

/** Starts a device authorization (RFC 8628 section 3.2) bound to the key of the proof. */
export async function startPairing(
  broker: Broker,
  input: { clientId: string; clientName: string; thumbprint: string; source: string },
): Promise<Record<string, string | number>> {
  if (!broker.clients.includes(input.clientId))
    throw new AgentKeysError("ERR_SESSION_CLIENT", "the client_id is not known here", {});
  const deviceCode = newSecret(broker.random);
  const userCode = newUserCode(broker.random);
  const now = broker.now();
  await broker.store.write("startPairing", {
    pairing: {
      ...input,
      deviceHash: hashSecret(deviceCode),
      userCodeHash: hashSecret(normalizeCode(userCode)),
      requestedAt: now,
      expiresAt: now + pairingLife * 1000,
      polledAt: now,
      // The first poll may come at once; the interval holds between polls.
      interval: pollInterval,
    },
  });
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: `${broker.publicUrl}/pair`,
    expires_in: pairingLife,
    interval: pollInterval,
  };
}
