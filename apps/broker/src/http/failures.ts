import { isAgentKeysError, type ErrorCode } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { authorizationToken, sourceKeyOf, type BrokerContext } from "./context.ts";

/** Refusals that cost a signature, a look for a secret, or a guess at one: each counts against who sent it. */
const counted: ReadonlySet<ErrorCode> = new Set([
  "ERR_SESSION_TOKEN",
  "ERR_SESSION_DPOP",
  "ERR_SESSION_NONCE",
  "ERR_SESSION_CLIENT",
  "ERR_SESSION_GRANT",
  "ERR_SESSION_SLOW_DOWN",
  "ERR_SESSION_EXPIRED",
  "ERR_AUTH_CHALLENGE",
  "ERR_AUTH_PROOF",
  "ERR_AUTH_CLAIM_CODE",
  "ERR_AUTH_INVITE",
  "ERR_WALLET_CHALLENGE",
  "ERR_WALLET_PROOF",
  "ERR_AUDIT_AUDITOR",
]);
const codes: ReadonlySet<ErrorCode> = new Set(["ERR_AUTH_CLAIM_CODE", "ERR_AUTH_INVITE"]);

/**
 * Turns away a request with a token or proof whose source has sent too many bad ones, before its signature is looked at. A token
 * that was verified before is let through, so that the agents behind one address do not suffer for another there; its own bad
 * proofs count against its session. What succeeds is never counted.
 */
export function assertFewFailures(broker: Broker, c: BrokerContext): void {
  const source = sourceKeyOf(broker, c);
  if (broker.limits.isWithin("failures", source)) return;
  const session = knownSession(broker, c);
  broker.limits.check("failures", session ?? source);
}

/** Counts a refusal against its source, and against the session whose token it came with. */
export function countFailure(broker: Broker, c: BrokerContext, error: unknown): void {
  if (!isAgentKeysError(error) || !counted.has(error.code)) return;
  const session = knownSession(broker, c);
  // With a verified token, a nonce that is no longer the newest is what happens to everybody.
  if (error.code === "ERR_SESSION_NONCE" && session !== undefined) return;
  countBadSecret(broker, c);
  if (session !== undefined) broker.limits.count("failures", session);
  if (codes.has(error.code)) broker.limits.count("codes", sourceKeyOf(broker, c));
}

/** Counts what was refused without an error, such as an introspection of nothing. */
export function countBadSecret(broker: Broker, c: BrokerContext): void {
  broker.limits.count("failures", sourceKeyOf(broker, c));
}

function knownSession(broker: Broker, c: BrokerContext): string | undefined {
  const token = authorizationToken(c);
  return token === undefined ? undefined : broker.accessTokens.known(token)?.sessionId;
}
