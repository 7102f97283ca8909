import { sessionOf, systemClock, type BrokerConnection, type Session, type TokenAnswer } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";
import * as v from "valibot";

/** A completed sign-in. */
export interface SignedIn {
  /** The OmniAccount. */
  readonly account: string;
  readonly session: Session;
}

/** The start of a sign-in: what every method takes. */
export interface SignInStart {
  readonly connection: BrokerConnection;
  /** A claim code for a broker that nobody has claimed, an invite, or a recovery code. */
  readonly claimCode?: string | undefined;
}

/** The member that carries the code of a start. */
export function claimOf(claimCode: string | undefined): { readonly claim_code?: string } {
  return claimCode === undefined ? {} : { claim_code: claimCode };
}

/** An identity that was linked. */
export const identitySchema = v.object({ type: v.string(), value: v.string(), linked_at: v.string() });
/** An identity that was linked. */
export type LinkedIdentity = v.InferOutput<typeof identitySchema>;

/** The session of a completed sign-in. */
export function signedInOf(answer: TokenAnswer): SignedIn {
  const { account } = answer;
  if (account === undefined) {
    const reason = "the session names no account";
    throw new AgentKeysError("ERR_REQUEST_ANSWER", reason, { url: "/v1/auth", reason });
  }
  return { account, session: sessionOf(answer, systemClock) };
}
