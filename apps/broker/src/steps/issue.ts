import { AgentKeysError, isAgentKeysError, newRecordId, type AuditEvent, type Credential } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Outbox } from "../ops/outbox.ts";
import type { WorkloadTokens } from "../session/workload-token.ts";
import type { Store } from "../store/engine-store.ts";
import { assertLogTrusted, factsOf, type Recorded, type RecordContext } from "./record.ts";
import { type ResultOf, resultOf } from "./result.ts";

/** A credential that may be released, with the receipt of the record that tells of it. */
export type Issued = ResultOf<
  "issue",
  {
    readonly credential: Credential;
    readonly recorded: Recorded;
    /** JSON text, opened to the agent. */
    readonly receipt: string;
  }
>;

/** What issuing looks at. */
export interface IssueContext extends RecordContext {
  readonly workloadTokens: WorkloadTokens;
  readonly store: Pick<Store, "write">;
  readonly outbox: Outbox;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
}

/**
 * Has the issuer make the credential of a recorded step; the only place that signs an identity token. Where the issuer calls out, what
 * it answered is recorded under the intent before this resolves, and a use that was revoked meanwhile is refused. When issuing fails, a
 * record with outcome error is appended under the first one. Throws ERR_ISSUER_FAILED, ERR_PLUGIN_CONTRACT; of an issuer that calls out
 * also ERR_GRANT_NOT_FOUND and ERR_AUDIT_*: then its credential is dropped.
 */
export async function issue(context: IssueContext, recorded: Recorded, requestId: string): Promise<Issued> {
  const { authorized } = recorded;
  try {
    const credential = await authorized.issuer.issue(orderOf(context, recorded), requestId);
    const receipt = authorized.issuer.isRemote
      ? await recordResult(context, recorded, credential, requestId)
      : recorded.receipt;
    return resultOf("issue", { credential, recorded, receipt });
  } catch (cause) {
    await recordFailure(context, recorded, isAgentKeysError(cause) ? cause.code : "ERR_ISSUER_FAILED");
    throw isAgentKeysError(cause)
      ? cause
      : new AgentKeysError("ERR_ISSUER_FAILED", "the issuer failed", { issuer: authorized.issuer.name }, { cause });
  }
}

function orderOf(context: IssueContext, recorded: Recorded) {
  const { authorized, plan } = recorded;
  return {
    record: plan.record,
    account: authorized.grant.account,
    agent: authorized.by.agent,
    grant: authorized.grant.id,
    scope: authorized.scope,
    credentialId: plan.credential,
    issuedAt: plan.issuedAt,
    expiresAt: plan.expiresAt,
    identityToken: identityToken(context, recorded),
  };
}

function identityToken(context: IssueContext, { authorized, plan }: Recorded): string | undefined {
  if (authorized.token === undefined) return undefined;
  return context.workloadTokens.sign({
    ...authorized.token,
    agent: authorized.by.agent,
    account: authorized.grant.account,
    grant: authorized.grant.id,
    record: plan.record,
    tokenId: plan.credential,
    issuedAt: plan.issuedAt,
    expiresAt: plan.expiresAt,
  });
}

/** Records what an issuer that calls out has given, where it may still be released. Answers the receipt. */
async function recordResult(
  context: IssueContext,
  recorded: Recorded,
  credential: Credential,
  requestId: string,
): Promise<string> {
  const { authorized, plan } = recorded;
  const { agent, session } = authorized.by;
  const grant = authorized.grant.id;
  if (!(await context.store.write("isUseLive", { agent, session, grant, now: context.now() })))
    throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "the grant, agent or session was revoked or has expired", {});
  assertLogTrusted(context);
  const event: AuditEvent = {
    ...factsOf(authorized),
    ...resultIds(context, recorded),
    outcome: Outcome.ok,
    credential: credential.id,
    validity: [plan.issuedAt, credential.expiresAt],
  };
  const { receipt } = await context.log.append(event, requestId);
  // Should this not come to pass, the next boot finds the result in the log.
  void context.store.write("closeIntent", { record: plan.record }).catch(() => undefined);
  return receipt;
}

/** By way of the outbox: a log that is away must not make the failure unheard of. */
async function recordFailure(context: IssueContext, recorded: Recorded, code: string): Promise<void> {
  const { authorized, plan } = recorded;
  const event: AuditEvent = {
    account: authorized.grant.account,
    agent: authorized.by.agent,
    issuer: authorized.issuer.name,
    ...resultIds(context, recorded),
    outcome: isOutcomeUnknown(recorded, code) ? Outcome.unknown : Outcome.error,
    code,
  };
  if (authorized.issuer.isRemote) await context.store.write("closeIntent", { record: plan.record, event });
  else await context.store.write("recordEvents", { events: [event] });
  await context.outbox.drain();
}

function resultIds({ now, random }: IssueContext, { plan }: Recorded) {
  const time = now();
  return { id: plan.result ?? newRecordId(time, random(10)), time, type: RecordType.issued, parent: plan.record };
}

/** True where the far side may have made a credential all the same: the call ended without its answer. */
function isOutcomeUnknown({ authorized }: Recorded, code: string): boolean {
  return authorized.issuer.isRemote && (code === "ERR_PLUGIN_TIMEOUT" || code === "ERR_ISSUER_OUTCOME_UNKNOWN");
}
