import { sessionOf, systemClock, type BrokerConnection, type Session, type TokenAnswer } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";

/** A completed sign-in. */
export interface SignedIn {
  /** The OmniAccount. */
  readonly account: string;
  readonly session: Session;
}

/** The start of a sign-in: what every method takes. */
export interface SignInStart {
  readonly connection: BrokerConnection;
  /** For a broker that nobody has claimed. */
  readonly claimCode?: string | undefined;
}

/** The session of a completed sign-in. */
export function signedInOf(answer: TokenAnswer): SignedIn {
  const { account } = answer;
  if (account === undefined) {
    const reason = "the session names no account";
    throw new AgentKeysError("ERR_REQUEST_ANSWER", reason, { url: "/v1/auth", reason });
  }
  return { account, session: sessionOf(answer, systemClock) };
}
