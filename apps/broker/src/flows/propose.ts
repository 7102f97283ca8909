import { AgentKeysError, isAgentKeysError, newIdentifier, type ErrorCode } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import { readAsk, type CredentialAsk } from "../steps/authorize.ts";
import { assertWithinRights } from "../steps/rights.ts";
import type { Proposal } from "../store/commands/proposals.ts";

/** Milliseconds a proposal waits for its owner. */
const waitsFor = 24 * 3_600_000;

/** What a person can look through. */
const longestScopeText = 4096;

/**
 * Leaves an agent's wish for its owner: an ask that the owner could allow today, and no word besides. The same wish is the same proposal
 * while it waits, and after it was declined. Throws what `readAsk` and `assertWithinRights` do, ERR_GRANT_NOT_FOUND for a revoked
 * agent, ERR_REQUEST_RATE_LIMITED.
 */
export async function proposeWish(broker: Broker, by: Authenticated, ask: CredentialAsk): Promise<Proposal> {
  const { issuer, scope, scopeText } = readAsk(broker, ask);
  const { ttl, units = 1 } = ask;
  assertWithinRights(broker.rights, broker.readings, by.account, { issuer: issuer.name, scope, ttl });
  if (scopeText.length > longestScopeText) {
    const reason = `a proposal's scope has at most ${longestScopeText} characters`;
    throw new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
  }
  const now = broker.now();
  const proposal: Proposal = {
    id: newIdentifier("prp", broker.random(16)),
    account: by.account,
    agent: by.agent,
    issuer: issuer.name,
    scope: scopeText,
    ttl,
    units,
    createdAt: now,
    expiresAt: now + waitsFor,
    declinedAt: null,
  };
  return broker.store.write("propose", { proposal, now });
}

/** Refusals that another grant would cure. */
const curable: readonly ErrorCode[] = ["ERR_GRANT_DENIED", "ERR_GRANT_NOT_FOUND", "ERR_GRANT_TTL", "ERR_GRANT_USED_UP"];

/** The refusal of an ask; with the id of a proposal where its owner can allow it and has not declined it. */
export async function withProposal(
  broker: Broker,
  by: Authenticated,
  ask: CredentialAsk,
  refusal: AgentKeysError,
): Promise<AgentKeysError> {
  if (!curable.includes(refusal.code)) return refusal;
  try {
    const { id, declinedAt } = await proposeWish(broker, by, ask);
    if (declinedAt !== null) return refusal;
    const facts = { ...refusal.facts, proposal: id } as never;
    return new AgentKeysError(refusal.code, refusal.message, facts, { cause: refusal });
  } catch (error) {
    if (isAgentKeysError(error)) return refusal;
    throw error;
  }
}
