import { isAgentKeysError } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import { parseScopeFor, type CredentialAsk } from "../steps/authorize.ts";
import { newEvent } from "./event.ts";
import { withProposal } from "./propose.ts";

/** Records that an ask was refused with an error that has a code, and throws the error on, with a proposal where one can help. */
export async function recordDenial(
  broker: Broker,
  by: Authenticated,
  ask: CredentialAsk,
  error: unknown,
): Promise<never> {
  if (!isAgentKeysError(error)) throw error;
  const { code } = error;
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
  throw await withProposal(broker, by, ask, error);
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
