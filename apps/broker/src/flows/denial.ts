import { isAgentKeysError } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import { authorize, parseScopeFor, type Authorized, type CredentialAsk } from "../steps/authorize.ts";
import type { IdempotencyRow } from "../store/commands/uses.ts";
import { newEvent } from "./event.ts";

/** The authorize step; a refusal is recorded with its code before it is answered. */
export async function authorizeOrRecordDenial(
  broker: Broker,
  by: Authenticated,
  ask: CredentialAsk,
  repeated: IdempotencyRow | undefined,
): Promise<Authorized> {
  try {
    return await authorize(broker, by, ask, repeated);
  } catch (error) {
    if (isAgentKeysError(error)) await recordDenial(broker, by, ask, error.code);
    throw error;
  }
}

async function recordDenial(broker: Broker, by: Authenticated, ask: CredentialAsk, code: string): Promise<void> {
  broker.limits.take("refusals", by.agent);
  const event = newEvent(broker, RecordType.denied, {
    outcome: Outcome.denied,
    account: by.account,
    agent: by.agent,
    code,
    policy: broker.rights.policy,
    ...named(broker, ask),
  });
  await broker.store.write("recordEvents", { events: [event] });
  await broker.outbox.drain();
}

/** Issuer and scope of a refused ask, as far as they mean anything. */
function named(broker: Broker, ask: CredentialAsk): { issuer?: string; scope?: string } {
  try {
    const { issuer, scopeText } = parseScopeFor(broker.issuers, ask);
    return { issuer: issuer.name, scope: scopeText };
  } catch {
    return broker.issuers.has(ask.issuer) ? { issuer: ask.issuer } : {};
  }
}
