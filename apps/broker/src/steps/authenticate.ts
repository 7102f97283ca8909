import { AgentKeysError } from "@agentkeys/core";
import type { AccessTokens } from "../session/access-token.ts";
import type { DpopVerifier } from "../session/dpop.ts";
import type { Readings } from "../store/readings.ts";
import { type ResultOf, resultOf } from "./result.ts";

/** Who calls: a live session whose key signed this very request. */
export type Authenticated = ResultOf<
  "authenticate",
  {
    readonly kind: "account" | "agent";
    /** The account, or the agent's owner. */
    readonly account: string;
    /** Agent id; empty for a person. */
    readonly agent: string;
    readonly session: string;
    readonly thumbprint: string;
    /** When the person last proved who they are, milliseconds. */
    readonly authTime: number;
  }
>;

/** What authentication looks at. */
export interface AuthenticateContext {
  readonly accessTokens: AccessTokens;
  readonly dpop: DpopVerifier;
  readonly readings: Readings;
  readonly now: () => number;
  /** Told that a session uses its newest access token, while the refresh token before its newest is still good. */
  settleRefresh(session: string, tokenId: string): void;
}

/** The parts of a request that a proof is bound to. */
export interface PresentedRequest {
  readonly authorization: string | undefined;
  readonly proof: string | undefined;
  readonly method: string;
  readonly path: string;
}

/**
 * Checks access token, DPoP proof (RFC 9449) and that the session is not revoked. Throws ERR_SESSION_TOKEN, ERR_SESSION_DPOP,
 * ERR_SESSION_NONCE, ERR_AUTH_SUSPENDED.
 */
export function authenticate(context: AuthenticateContext, request: PresentedRequest): Authenticated {
  const token = /^DPoP ([A-Za-z0-9._-]+)$/iu.exec(request.authorization ?? "")?.[1];
  if (token === undefined) throw unknownToken();
  const claims = context.accessTokens.verify(token);
  context.dpop.verify({
    proof: request.proof,
    method: request.method,
    path: request.path,
    accessToken: token,
    expectedThumbprint: claims.thumbprint,
  });
  const session = context.readings.liveSession(claims.sessionId, context.now());
  if (session?.thumbprint !== claims.thumbprint || subjectOf(session) !== claims.subject) throw unknownToken();
  if (session.suspendedAt !== null) throw new AgentKeysError("ERR_AUTH_SUSPENDED", "the account is suspended", {});
  if (session.previousHash !== null && session.tokenId === claims.tokenId)
    context.settleRefresh(session.id, session.tokenId);
  return resultOf("authenticate", {
    kind: session.agent === null ? "account" : "agent",
    account: session.account,
    agent: session.agent ?? "",
    session: session.id,
    thumbprint: session.thumbprint,
    authTime: session.authTime,
  });
}

/** The subject of a session's access tokens. */
export function subjectOf(session: { readonly account: string; readonly agent: string | null }): string {
  return session.agent === null ? `account:${session.account}` : `agent:${session.agent}`;
}

/** Longest time since the last proof of identity for what gives power away, in seconds. */
export const freshFor = 300;

/** Narrows to a person; with `fresh`, one whose sign-in is at most five minutes old (RFC 9470). */
export function assertPerson(caller: Authenticated, now: number, fresh: boolean): void {
  if (caller.kind !== "account")
    throw new AgentKeysError("ERR_SESSION_CALLER", "this is for a person's session", { needed: "account" });
  if (fresh && now - caller.authTime > freshFor * 1000) {
    throw new AgentKeysError("ERR_SESSION_NOT_FRESH", "the sign-in is too old for this", { maxAge: freshFor });
  }
}

/** Narrows to an agent. */
export function assertAgent(caller: Authenticated): void {
  if (caller.kind !== "agent")
    throw new AgentKeysError("ERR_SESSION_CALLER", "this is for an agent's session", { needed: "agent" });
}

function unknownToken(): AgentKeysError {
  return new AgentKeysError("ERR_SESSION_TOKEN", "the access token is missing, malformed, expired or revoked", {});
}
