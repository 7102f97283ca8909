import { eq, inArray, or, sql } from "../drizzle.ts";
import { AgentKeysError, type AuditEvent } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import {
  accounts,
  agents,
  attempts,
  codes,
  grants,
  idempotency,
  identities,
  intents,
  keyValues,
  pairings,
  pairingTries,
  proposals,
  sessions,
} from "../schema.ts";
import { assertNotLastOperator } from "./accounts.ts";
import { enqueueRevocation } from "./outbox.ts";

/**
 * Removes every row of an account, and those of plug-ins that name it or one of its identities. The event that tells of it makes the
 * outbox erase what opens its records, after the log has them all. Throws ERR_REQUEST_NOT_FOUND, ERR_AUTH_LAST_OPERATOR.
 */
export function eraseAccount(
  db: Transaction,
  input: { readonly account: string; readonly now: number; readonly event: AuditEvent },
): void {
  const { account } = input;
  const row = db.select().from(accounts).where(eq(accounts.account, account)).get();
  if (row === undefined) throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such account", {});
  assertNotLastOperator(db, row);
  const values = db.select().from(identities).where(eq(identities.account, account)).all();
  const idOf = { grant: grants.id, agent: agents.id, session: sessions.id };
  const mineOf = {
    grant: db.select({ id: idOf.grant }).from(grants).where(eq(grants.account, account)),
    agent: db.select({ id: idOf.agent }).from(agents).where(eq(agents.account, account)),
    session: db.select({ id: idOf.session }).from(sessions).where(eq(sessions.account, account)),
  };
  db.delete(intents).where(eq(intents.account, account)).run();
  db.delete(idempotency).where(inArray(idempotency.grant, mineOf.grant)).run();
  db.delete(pairings).where(inArray(pairings.agent, mineOf.agent)).run();
  db.delete(attempts).where(inArray(attempts.linkSession, mineOf.session)).run();
  for (const { type, value } of values)
    db.delete(attempts)
      .where(sql`${attempts.proven} ->> 'type' = ${type} AND ${attempts.proven} ->> 'value' = ${value}`)
      .run();
  db.delete(pairingTries).where(eq(pairingTries.account, account)).run();
  for (const table of [grants, proposals, agents, sessions, identities, codes, accounts] as const)
    db.delete(table).where(eq(table.account, account)).run();
  for (const named of [account, ...values.map(({ value }) => JSON.stringify(value))])
    db.delete(keyValues)
      .where(or(sql`instr(${keyValues.value}, ${named}) > 0`, sql`instr(${keyValues.key}, ${named}) > 0`))
      .run();
  enqueueRevocation(db, [input.event]);
}
