import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import { exportKey, makeKey, type ClientKey } from "./client-key.ts";
import { systemClock, type Clock } from "./clock.ts";
import { openConnection, type BrokerConnection } from "./connection.ts";
import { describeBroker } from "./describe.ts";
import { strange } from "./exchange.ts";
import type { AgentProfile } from "./profile.ts";
import { sessionOf, tokenSchema, type TokenAnswer } from "./session.ts";
import { parseTrust } from "./trust.ts";

/** What a person needs to approve the pairing. */
export interface PairingInvitation {
  /** To be typed in by the person, `XXXX-XXXX`. */
  readonly userCode: string;
  readonly verificationUri: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** What the person is shown of the key; the same on both sides, or somebody is in between. */
  readonly keyThumbprint: string;
}

/** How to pair. */
export interface PairingOptions {
  /** The broker's public URL. */
  readonly broker: string;
  /** At most 64 characters; the person sees it marked as unverified. */
  readonly clientName: string;
  /** Shows the person what to approve. */
  readonly onUserCode: (invitation: PairingInvitation) => void | Promise<void>;
  /** The agent's key; a new P-256 key without it. */
  readonly key?: ClientKey | undefined;
  /** Keys of witnesses whose cosignatures shall count, as vkeys. */
  readonly witnesses?: readonly string[] | undefined;
  /** The log's key as a vkey, for one who has it from elsewhere; else the one the broker names now is pinned. */
  readonly logVkey?: string | undefined;
  readonly clientId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

const grantType = "urn:ietf:params:oauth:grant-type:device_code";

const invitationSchema = v.object({
  device_code: v.string(),
  user_code: v.string(),
  verification_uri: v.string(),
  // Both have an end: a wait of more than 24 days overflows a timer, which then does not wait at all.
  expires_in: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400)),
  // RFC 8628 section 3.2: five seconds where the server names none.
  interval: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3600)), 5),
});

/**
 * Pairs this agent with a person's account by the device grant (RFC 8628), bound to the agent's key, and pins the log's key.
 * Resolves once the person has approved. Throws ERR_SESSION_DENIED, ERR_SESSION_EXPIRED, and what a connection throws; a fault of
 * the network while waiting is waited out.
 *
 * @example
 * const profile = await pairAgent({
 *   broker: "https://keys.example",
 *   clientName: "nightly report",
 *   onUserCode: ({ userCode }) => console.log(`approve ${userCode}`),
 * });
 */
export async function pairAgent(options: PairingOptions): Promise<AgentProfile> {
  const { clientId = "agentkeys", clock = systemClock, signal } = options;
  const key = options.key ?? (await makeKey());
  const connection = openConnection({ broker: options.broker, key, clientId, clock });
  const log = options.logVkey ?? (await describeBroker(connection)).log.vkey;
  const trust = { log, witnesses: options.witnesses ?? [] };
  parseTrust(trust);
  const invitation = await connection.ask(
    {
      method: "POST",
      path: "/oauth/device_authorization",
      form: { client_id: clientId, client_name: options.clientName },
      show: "key",
      signal,
    },
    invitationSchema,
  );
  const expiresAt = clock.now() + invitation.expires_in * 1000;
  await options.onUserCode({
    userCode: invitation.user_code,
    verificationUri: invitation.verification_uri,
    expiresAt,
    keyThumbprint: key.thumbprint,
  });
  const answer = await poll(connection, {
    form: { grant_type: grantType, device_code: invitation.device_code, client_id: clientId },
    interval: invitation.interval * 1000,
    expiresAt,
    clock,
    signal,
  });
  if (answer.agent === undefined) throw strange(`${connection.broker}/oauth/token`, "the answer names no agent");
  const session = sessionOf(answer, clock);
  return { broker: connection.broker, clientId, agent: answer.agent, key: await exportKey(key), trust, session };
}

interface Poll {
  readonly form: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly interval: number;
  readonly expiresAt: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

async function poll(connection: BrokerConnection, how: Poll): Promise<TokenAnswer> {
  const { form, expiresAt, clock, signal } = how;
  let interval = Math.max(how.interval, 1000);
  while (clock.now() < expiresAt) {
    await clock.wait(interval, signal);
    try {
      return await connection.ask({ method: "POST", path: "/oauth/token", form, show: "key", signal }, tokenSchema);
    } catch (error) {
      if (isTooFast(error)) interval += 5000;
      // RFC 8628 section 3.5: after a fault of the network, more slowly.
      else if (isPassing(error)) interval = Math.min(interval * 2, 60_000);
      else if (!isAgentKeysError(error, "ERR_SESSION_PENDING")) throw error;
    }
  }
  throw new AgentKeysError("ERR_SESSION_EXPIRED", "nobody approved the pairing in time", {});
}

function isTooFast(error: unknown): boolean {
  return isAgentKeysError(error, "ERR_SESSION_SLOW_DOWN") || isAgentKeysError(error, "ERR_REQUEST_RATE_LIMITED");
}

function isPassing(error: unknown): boolean {
  return isAgentKeysError(error, "ERR_REQUEST_UNREACHABLE") || isAgentKeysError(error, "ERR_REQUEST_TIMEOUT");
}
