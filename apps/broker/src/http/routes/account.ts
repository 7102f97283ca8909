import * as v from "valibot";
import { AgentKeysError, type Json } from "@agentkeys/core";
import { instant } from "../../json/instant.ts";
import type { Broker } from "../../broker.ts";
import { finishBinding, startBinding } from "../../flows/bind-wallet.ts";
import { revokeSessions } from "../../flows/refresh-session.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { freshPerson, person } from "../context.ts";
import { identityJson } from "./identities.ts";

/** A person's own account, sessions and wallets. */
export function accountRoutes(app: BrokerApp, broker: Broker): void {
  app.get("/v1/account", (c) => {
    const { account } = person(broker, c);
    const row = broker.readings.account(account);
    if (row === undefined) throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such account", {});
    const identities = broker.readings.identitiesOf(account).map(identityJson);
    return c.json({ account, role: row.role, identities, created_at: instant(row.createdAt) });
  });
  app.get("/v1/sessions", (c) => {
    const caller = person(broker, c);
    const sessions = broker.readings.sessionsOf(caller.account, broker.now()).map((one) => ({
      id: one.id,
      created_at: instant(one.createdAt),
      expires_at: instant(one.expiresAt),
      amr: one.amr,
      current: one.id === caller.session,
    }));
    return c.json({ sessions });
  });
  app.delete("/v1/sessions", async (c) => {
    await revokeSessions(broker, person(broker, c).account);
    return c.body(null, 204);
  });
  app.delete("/v1/sessions/:id", async (c) => {
    await revokeSessions(broker, person(broker, c).account, c.req.param("id"));
    return c.body(null, 204);
  });
  app.post("/v1/wallets/start", async (c) => {
    const { account } = freshPerson(broker, c);
    return c.json(await startBinding(broker, account, await readAnswer(c.req.raw), c.get("requestId")));
  });
  app.post("/v1/wallets/finish", async (c) => {
    const { account } = freshPerson(broker, c);
    return c.json(await finishBinding(broker, account, await readAnswer(c.req.raw), c.get("requestId")));
  });
  app.get("/v1/wallets", async (c) => {
    const { account } = person(broker, c);
    return c.json({ wallets: await broker.wallet.lookup(account, c.get("requestId")) });
  });
}

/** What only the plug-in can check further. */
async function readAnswer(request: Request): Promise<Json> {
  return (await readJson(request, v.record(v.string(), v.unknown()))) as Json;
}
