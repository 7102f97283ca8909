import * as v from "valibot";
import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../../broker.ts";
import { explainAsk } from "../../flows/explain.ts";
import { createGrant, grantBounds, mostUnits, revokeGrant } from "../../flows/grant.ts";
import { authenticate, type Authenticated } from "../../steps/authenticate.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { agent, freshPerson, person, presented } from "../context.ts";
import { grantJson } from "../grant-json.ts";

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
/** The form of a scope; core and the issuer decide about its texts. */
export const scopeBody = v.strictObject({ actions: v.array(v.string()), resources: v.array(v.string()) });
/** Whole seconds a credential may live. */
export const ttlBody = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(grantBounds.longestTtl));
const time = v.pipe(
  v.string(),
  v.isoTimestamp("expected an instant such as 2026-01-31T12:00:00Z"),
  v.transform((text) => Date.parse(text)),
  v.number(),
);
/** Whole units that one ask takes of a budget. */
export const unitsBody = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostUnits));
const budgetPart = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(grantBounds.mostBudget)));
const budget = v.pipe(
  v.strictObject({ units: budgetPart, seconds: budgetPart }),
  v.check(({ units, seconds }) => units !== undefined || seconds !== undefined, "expected units, seconds or both"),
);
/** What a grant may be limited by. */
export const constraintsBody = v.strictObject({
  max_uses: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(grantBounds.mostUses))),
  max_ttl: v.optional(ttlBody),
  not_before: v.optional(time),
  expires_at: v.optional(time),
  budget: v.optional(budget),
});
/** A grant to make. */
export const grantBody = v.strictObject({
  agent: name,
  issuer: name,
  scope: scopeBody,
  delivery: v.optional(v.literal("release")),
  constraints: v.optional(constraintsBody, {}),
});
/** An ask to explain. */
export const explainBody = v.strictObject({
  agent: v.optional(name),
  issuer: name,
  scope: scopeBody,
  ttl: ttlBody,
  units: v.optional(unitsBody),
  grant: v.optional(name),
});

/** Grants: made by a person who has just signed in, ended by any session of theirs, seen by their agent. */
export function grantRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/v1/grants", async (c) => {
    const { account } = freshPerson(broker, c);
    const body = await readJson(c.req.raw, grantBody);
    const { agent: holder, issuer, scope } = body;
    const grant = await createGrant(broker, account, { agent: holder, issuer, scope, ...limitsOf(body.constraints) });
    return c.json(grantJson(grant), 201);
  });
  app.get("/v1/grants", (c) => {
    const { account } = person(broker, c);
    const wanted = c.req.query("agent");
    const grants = broker.readings.grantsOf(account).filter((grant) => wanted === undefined || grant.agent === wanted);
    return c.json({ grants: grants.map(grantJson) });
  });
  app.get("/v1/grants/mine", (c) => {
    const caller = agent(broker, c);
    broker.limits.take("calls", caller.agent);
    return c.json({ grants: broker.readings.grantsOfAgent(caller.agent, broker.now()).map(grantJson) });
  });
  app.post("/v1/grants/explain", async (c) => {
    const caller = authenticate(broker, presented(c));
    broker.limits.take("calls", caller.kind === "agent" ? caller.agent : caller.account);
    const body = await readJson(c.req.raw, explainBody);
    return c.json(await explainAsk(broker, asAgent(broker, caller, body.agent), body));
  });
  app.delete("/v1/grants/:id", async (c) => {
    await revokeGrant(broker, person(broker, c).account, c.req.param("id"));
    return c.body(null, 204);
  });
}

/** The caller, seen as the agent the question is about: itself, or one of the person's own. */
function asAgent(broker: Broker, caller: Authenticated, wanted: string | undefined): Authenticated {
  if (caller.kind === "agent" && wanted === undefined) return caller;
  const found = wanted === undefined ? undefined : broker.readings.agent(wanted);
  if (caller.kind !== "account" || found?.account !== caller.account || found.revokedAt !== null) {
    throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "there is no live agent of that id", {});
  }
  return { ...caller, agent: found.id };
}

/** Constraints as the flow takes them. */
export function limitsOf(given: v.InferOutput<typeof constraintsBody>) {
  const { max_uses: maxUses, max_ttl: maxTtl, not_before: notBefore, expires_at: expiresAt, budget: most } = given;
  return { maxUses, maxTtl, notBefore, expiresAt, budget: most };
}
