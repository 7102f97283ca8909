import * as v from "valibot";
import { instant } from "../../json/instant.ts";
import type { Broker } from "../../broker.ts";
import { approvePairing, denyPairing, revokeAgent, viewPairing } from "../../flows/decide-pairing.ts";
import type { Agent } from "../../store/commands/pairings.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { freshPerson, person } from "../context.ts";

const userCode = v.pipe(v.string(), v.minLength(1), v.maxLength(32));
/** A user code as typed. */
export const codeBody = v.strictObject({ user_code: userCode });
/** A user code, and what the agent shall be called. */
export const approveBody = v.strictObject({
  user_code: userCode,
  name: v.optional(
    v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^\P{Cc}+$/u, "expected no control characters")),
  ),
});

/** Deciding about agents. Only a person who has just signed in gives power; taking it away is always easy. */
export function pairingRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/v1/pairings/view", async (c) => {
    const { account } = freshPerson(broker, c);
    const found = await viewPairing(broker, account, (await readJson(c.req.raw, codeBody)).user_code);
    return c.json({
      client_id: found.clientId,
      client_name: found.clientName,
      key_thumbprint: found.thumbprint,
      address: found.source,
      requested_at: instant(found.requestedAt),
      expires_at: instant(found.expiresAt),
    });
  });
  app.post("/v1/pairings/approve", async (c) => {
    const { account } = freshPerson(broker, c);
    const body = await readJson(c.req.raw, approveBody);
    return c.json(agentJson(await approvePairing(broker, account, body.user_code, body.name)), 201);
  });
  app.post("/v1/pairings/deny", async (c) => {
    const { account } = freshPerson(broker, c);
    await denyPairing(broker, account, (await readJson(c.req.raw, codeBody)).user_code);
    return c.body(null, 204);
  });
  app.get("/v1/agents", (c) => {
    const { account } = person(broker, c);
    return c.json({ agents: broker.readings.agentsOf(account).map(agentJson) });
  });
  app.delete("/v1/agents/:id", async (c) => {
    await revokeAgent(broker, person(broker, c).account, c.req.param("id"));
    return c.body(null, 204);
  });
}

function agentJson(agent: Agent) {
  return {
    id: agent.id,
    name: agent.name,
    client_id: agent.clientId,
    key_thumbprint: agent.thumbprint,
    created_at: instant(agent.createdAt),
    ...(agent.revokedAt === null ? {} : { revoked_at: instant(agent.revokedAt) }),
  };
}
