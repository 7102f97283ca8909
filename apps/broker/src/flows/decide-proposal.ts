import { AgentKeysError, isWithin, parseScope } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { parseScopeFor } from "../steps/authorize.ts";
import type { Grant } from "../store/commands/grants.ts";
import { createGrant, type GrantAsk } from "./grant.ts";

/** What a person makes of a proposal: the limits of the grant and, where it shall be narrower than the wish, its scope. */
export type Acceptance = Omit<GrantAsk, "agent" | "issuer" | "scope"> & { readonly scope: unknown };

/**
 * Makes a grant of an open proposal, once. Where the person names no longest lifetime it is the one that was wished for. Throws
 * ERR_GRANT_NOT_FOUND, ERR_GRANT_DENIED for a scope that is wider than the wish, and what `createGrant` does: the rights of now decide.
 */
export async function acceptProposal(
  broker: Broker,
  account: string,
  id: string,
  { scope, maxTtl, ...limits }: Acceptance,
): Promise<Grant> {
  const proposal = broker.readings.openProposals(account, broker.now()).find((one) => one.id === id);
  if (proposal === undefined)
    throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "there is no open proposal of that id", {});
  const { agent, issuer, ttl } = proposal;
  const wished = parseScope(JSON.parse(proposal.scope));
  const chosen = parseScopeFor(broker.issuers, { issuer, scope: scope ?? wished }).scope;
  if (!isWithin(chosen, wished)) {
    const allowed = [`${issuer} ${proposal.scope}`];
    throw new AgentKeysError("ERR_GRANT_DENIED", "that is wider than the proposal", { layer: "proposal", allowed });
  }
  return createGrant(broker, account, { ...limits, agent, issuer, scope: chosen, maxTtl: maxTtl ?? ttl }, id);
}

/** Declines an open proposal: the same wish is not put again while it would have waited. Throws ERR_GRANT_NOT_FOUND. */
export async function declineProposal(broker: Broker, account: string, id: string): Promise<void> {
  await broker.store.write("declineProposal", { id, account, now: broker.now() });
}
