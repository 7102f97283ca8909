import * as v from "valibot";
import { createInvite, createRecovery, suspendAccount } from "../../flows/accounts.ts";
import type { Broker } from "../../broker.ts";
import { instant } from "../../json/instant.ts";
import { describeRow, rightsOf } from "../../steps/rights.ts";
import type { Account } from "../../store/commands/accounts.ts";
import type { Code } from "../../store/commands/codes.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { operator } from "../context.ts";
import { malformed } from "../object.ts";
import { identityJson } from "./identities.ts";

/** What an invite may be. */
export const inviteBody = v.strictObject({
  role: v.optional(v.picklist(["member", "operator"]), "member"),
  expires_in: v.optional(v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(2_592_000)), 604_800),
});
const listQuery = v.strictObject({
  after: v.optional(v.pipe(v.string(), v.regex(/^([0-9a-f]{64})?$/u)), ""),
  limit: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,3}$/u), v.transform(Number), v.minValue(1), v.maxValue(200)),
    "50",
  ),
});

/** What an operator does with accounts. */
export function accountsRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/v1/accounts/invites", async (c) => {
    operator(broker, c, true);
    const { role, expires_in: expiresIn } = await readJson(c.req.raw, inviteBody);
    const { code, row } = await createInvite(broker, { role, expiresIn });
    return c.json({ ...inviteJson(row), code }, 201);
  });
  app.get("/v1/accounts/invites", (c) => {
    operator(broker, c, false);
    return c.json({ invites: broker.readings.invites(broker.now()).map(inviteJson) });
  });
  app.delete("/v1/accounts/invites/:id", async (c) => {
    operator(broker, c, false);
    await broker.store.write("revokeInvite", { id: c.req.param("id") });
    return c.body(null, 204);
  });
  app.get("/v1/accounts", (c) => {
    operator(broker, c, false);
    const asked = v.safeParse(listQuery, c.req.query());
    if (!asked.success) throw malformed("after: expected an account; limit: expected 1 to 200");
    const { after, limit } = asked.output;
    const found = broker.readings.accounts(after, limit + 1);
    const shown = found.slice(0, limit);
    const next = found.length > limit ? { next: shown.at(-1)?.account } : {};
    return c.json({ accounts: shown.map((row) => accountJson(broker, row)), ...next });
  });
  app.post("/v1/accounts/:account/suspend", async (c) => {
    operator(broker, c, true);
    await suspendAccount(broker, c.req.param("account"), true);
    return c.body(null, 204);
  });
  app.post("/v1/accounts/:account/resume", async (c) => {
    operator(broker, c, true);
    await suspendAccount(broker, c.req.param("account"), false);
    return c.body(null, 204);
  });
  app.post("/v1/accounts/:account/recovery", async (c) => {
    operator(broker, c, true);
    const { code, row } = await createRecovery(broker, c.req.param("account"));
    return c.json({ code, expires_at: instant(row.expiresAt) }, 201);
  });
  app.get("/v1/rights", (c) => {
    operator(broker, c, false);
    const { policy, rights, ceilings } = broker.rights;
    return c.json({ policy, rights, ceilings });
  });
}

function inviteJson(row: Code) {
  return { id: row.id, role: row.role, created_at: instant(row.createdAt), expires_at: instant(row.expiresAt) };
}

function accountJson(broker: Broker, row: Account) {
  return {
    account: row.account,
    role: row.role,
    created_at: instant(row.createdAt),
    ...(row.suspendedAt === null ? {} : { suspended_at: instant(row.suspendedAt) }),
    identities: broker.readings.identitiesOf(row.account).map(identityJson),
    rights: rightsOf(broker.rights, broker.readings, row.account).map(describeRow),
  };
}
