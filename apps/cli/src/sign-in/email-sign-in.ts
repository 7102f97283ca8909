import { systemClock, tokenSchema, type BrokerConnection } from "@agentkeys/client";
import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import {
  claimOf,
  identitySchema,
  signedInOf,
  type LinkedIdentity,
  type SignedIn,
  type SignInStart,
} from "./sign-in.ts";

/** What the person must do, and type, to finish. */
export interface EmailInvitation {
  readonly email: string;
  /** To be typed into the page behind the link, `XXXX-XXXX`. */
  readonly userCode: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

// It has an end: a wait of more than 24 days overflows a timer, which then does not wait at all.
const intervalSchema = v.pipe(v.number(), v.minValue(0), v.maxValue(3600));
const startSchema = v.object({
  challenge_id: v.string(),
  expires_at: v.pipe(v.string(), v.isoTimestamp()),
  poll_token: v.string(),
  user_code: v.string(),
  interval: intervalSchema,
});
const pendingSchema = v.object({ status: v.literal("pending"), interval: intervalSchema });

/** Signs in by a link sent to an address: shows the invitation, then polls until the person has followed it. */
export async function signInWithEmail(
  { connection, claimCode }: SignInStart,
  email: string,
  onInvitation: (invitation: EmailInvitation) => void,
): Promise<SignedIn> {
  const json = { email, client_name: clientName, ...claimOf(claimCode) };
  const ask = { method: "POST", path: "/v1/auth/email/start", json, show: "key" } as const;
  const started = await connection.ask(ask, startSchema);
  onInvitation({ email, userCode: started.user_code, expiresAt: started.expires_at });
  return pollUntilDone(started, async (poll) => {
    const answer = await connection.ask(
      { method: "POST", path: "/v1/auth/poll", json: poll, show: "key" },
      v.union([tokenSchema, pendingSchema]),
    );
    return "access_token" in answer ? { done: signedInOf(answer) } : answer;
  });
}

/** Links an address to the account that is signed in, in the same way. Throws ERR_AUTH_IDENTITY. */
export async function linkEmail(
  connection: BrokerConnection,
  email: string,
  onInvitation: (invitation: EmailInvitation) => void,
): Promise<LinkedIdentity> {
  const json = { email, client_name: clientName };
  const ask = { method: "POST", path: "/v1/account/identities/email/start", json } as const;
  const started = await connection.ask(ask, startSchema);
  onInvitation({ email, userCode: started.user_code, expiresAt: started.expires_at });
  return pollUntilDone(started, async (poll) => {
    const answer = await connection.ask(
      { method: "POST", path: "/v1/account/identities", json: poll },
      v.union([identitySchema, pendingSchema]),
    );
    return "linked_at" in answer ? { done: answer } : answer;
  });
}

const clientName = "agentkeys command";

/** Asks until the link was followed. Throws ERR_AUTH_CHALLENGE where nobody does in time. */
async function pollUntilDone<Done>(
  started: v.InferOutput<typeof startSchema>,
  ask: (poll: { readonly poll_token: string }) => Promise<{ readonly done: Done } | { readonly interval: number }>,
): Promise<Done> {
  const expiresAt = Date.parse(started.expires_at);
  let interval = started.interval;
  while (systemClock.now() < expiresAt) {
    await systemClock.wait(Math.max(interval, 1) * 1000);
    const answer = await ask({ poll_token: started.poll_token }).catch((error: unknown) => {
      // The link may be followed minutes from now; a broker that is away for a moment ends nothing.
      if (isAgentKeysError(error, "ERR_REQUEST_UNREACHABLE")) return { interval: Math.min(interval * 2, 3600) };
      throw error;
    });
    if ("done" in answer) return answer.done;
    interval = answer.interval;
  }
  throw new AgentKeysError("ERR_AUTH_CHALLENGE", "nobody followed the link in time", {});
}
