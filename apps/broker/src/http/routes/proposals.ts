import * as v from "valibot";
import type { Json } from "@agentkeys/core";
import { instant } from "../../json/instant.ts";
import type { Broker } from "../../broker.ts";
import { acceptProposal, declineProposal } from "../../flows/decide-proposal.ts";
import { proposeWish } from "../../flows/propose.ts";
import type { Proposal } from "../../store/commands/proposals.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { agent, freshPerson, person } from "../context.ts";
import { grantJson } from "../grant-json.ts";
import { constraintsBody, limitsOf, scopeBody, ttlBody, unitsBody } from "./grants.ts";

/** An agent's wish: what it would ask for. */
export const wishBody = v.strictObject({
  issuer: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  scope: scopeBody,
  ttl: ttlBody,
  units: v.optional(unitsBody),
});
/** What a person makes of a proposal. */
export const acceptBody = v.strictObject({
  scope: v.optional(scopeBody),
  constraints: v.optional(constraintsBody, {}),
});

/** Proposals: left by an agent, decided by its owner. Only a person who has just signed in makes a grant of one. */
export function proposalRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/v1/proposals", async (c) => {
    const caller = agent(broker, c);
    broker.limits.take("refusals", caller.agent);
    return c.json(proposalJson(await proposeWish(broker, caller, await readJson(c.req.raw, wishBody))));
  });
  app.get("/v1/proposals", (c) => {
    const { account } = person(broker, c);
    return c.json({ proposals: broker.readings.openProposals(account, broker.now()).map(proposalJson) });
  });
  app.post("/v1/proposals/:id/accept", async (c) => {
    const { account } = freshPerson(broker, c);
    const { scope, constraints } = await readJson(c.req.raw, acceptBody);
    const choice = { scope, ...limitsOf(constraints) };
    return c.json(grantJson(await acceptProposal(broker, account, c.req.param("id"), choice)), 201);
  });
  app.post("/v1/proposals/:id/decline", async (c) => {
    await declineProposal(broker, person(broker, c).account, c.req.param("id"));
    return c.body(null, 204);
  });
}

function proposalJson(proposal: Proposal): Record<string, Json> {
  return {
    id: proposal.id,
    status: proposal.declinedAt === null ? "open" : "declined",
    agent: proposal.agent,
    issuer: proposal.issuer,
    scope: JSON.parse(proposal.scope) as Json,
    ttl: proposal.ttl,
    units: proposal.units,
    created_at: instant(proposal.createdAt),
    expires_at: instant(proposal.expiresAt),
  };
}
