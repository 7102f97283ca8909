import { newIdentifier } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { NewSession } from "../store/commands/sign-in.ts";
import { hashSecret, newSecret } from "./secret.ts";

/** How long a session lasts without a refresh, in milliseconds. */
export const sessionLife = 30 * 86_400_000;

/** Tokens for the holder of the key they are bound to, as every token route answers them. */
export interface SessionTokens {
  readonly access_token: string;
  readonly token_type: "DPoP";
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly account?: string;
  readonly agent?: string;
}

/** A session to store, and the refresh token that is stored only as its hash. */
export function planSession(
  broker: Broker,
  facts: { thumbprint: string; clientId: string; amr: readonly string[]; authTime: number },
): { session: NewSession; refreshToken: string } {
  const id = newIdentifier("ses", broker.random(16));
  const refreshToken = `${id}.${newSecret(broker.random)}`;
  return {
    session: {
      ...facts,
      id,
      expiresAt: broker.now() + sessionLife,
      refreshHash: hashSecret(refreshToken),
      tokenId: newIdentifier("jti", broker.random(16)),
    },
    refreshToken,
  };
}

/** Signs the access token of a stored session. */
export function issueTokens(
  broker: Broker,
  session: NewSession,
  refreshToken: string,
  holder: { account: string } | { agent: string },
): SessionTokens {
  const isAgent = "agent" in holder;
  const { token, expiresIn } = broker.accessTokens.sign({
    subject: isAgent ? `agent:${holder.agent}` : `account:${holder.account}`,
    sessionId: session.id,
    clientId: session.clientId,
    thumbprint: session.thumbprint,
    tokenId: session.tokenId,
    ...(isAgent ? {} : { authTime: Math.floor(session.authTime / 1000), amr: session.amr }),
  });
  return { access_token: token, token_type: "DPoP", expires_in: expiresIn, refresh_token: refreshToken, ...holder };
}
