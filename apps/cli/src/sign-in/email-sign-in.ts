import { systemClock, tokenSchema } from "@agentkeys/client";
import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import { signedInOf, type SignedIn, type SignInStart } from "./sign-in.ts";

/** What the person must do, and type, to finish. */
export interface EmailInvitation {
  readonly email: string;
  /** To be typed into the page behind the link, `XXXX-XXXX`. */
  readonly userCode: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

const startSchema = v.object({
  challenge_id: v.string(),
  expires_at: v.pipe(v.string(), v.isoTimestamp()),
  poll_token: v.string(),
  user_code: v.string(),
  interval: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
const pendingSchema = v.object({ status: v.literal("pending"), interval: v.pipe(v.number(), v.minValue(0)) });

/** Signs in by a link sent to an address: shows the invitation, then polls until the person has followed it. */
export async function signInWithEmail(
  { connection, claimCode }: SignInStart,
  email: string,
  onInvitation: (invitation: EmailInvitation) => void,
): Promise<SignedIn> {
  const claim = claimCode === undefined ? {} : { claim_code: claimCode };
  const started = await connection.ask(
    {
      method: "POST",
      path: "/v1/auth/email/start",
      json: { email, client_name: "agentkeys command", ...claim },
      show: "key",
    },
    startSchema,
  );
  onInvitation({ email, userCode: started.user_code, expiresAt: started.expires_at });
  const expiresAt = Date.parse(started.expires_at);
  let interval = started.interval;
  while (systemClock.now() < expiresAt) {
    await systemClock.wait(Math.max(interval, 1) * 1000);
    const answer = await connection
      .ask(
        { method: "POST", path: "/v1/auth/poll", json: { poll_token: started.poll_token }, show: "key" },
        v.union([tokenSchema, pendingSchema]),
      )
      .catch((error: unknown) => {
        // The link may be followed minutes from now; a broker that is away for a moment ends nothing.
        if (isAgentKeysError(error, "ERR_REQUEST_UNREACHABLE")) return { interval: interval * 2 };
        throw error;
      });
    if ("access_token" in answer) return signedInOf(answer);
    interval = answer.interval;
  }
  throw new AgentKeysError("ERR_AUTH_CHALLENGE", "nobody followed the link in time", {});
}
