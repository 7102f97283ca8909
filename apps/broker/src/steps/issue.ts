import { AgentKeysError, isAgentKeysError, newRecordId, type Credential } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Outbox } from "../ops/outbox.ts";
import type { WorkloadTokens } from "../session/workload-token.ts";
import type { Store } from "../store/engine-store.ts";
import type { Recorded } from "./record.ts";
import { type ResultOf, resultOf } from "./result.ts";

/** A credential that may be released, with its receipt. */
export type Issued = ResultOf<"issue", { readonly credential: Credential; readonly recorded: Recorded }>;

/** What issuing looks at. */
export interface IssueContext {
  readonly workloadTokens: WorkloadTokens;
  readonly store: Pick<Store, "write">;
  readonly outbox: Outbox;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
}

/**
 * Has the issuer make the credential of a recorded step; the only place that signs an identity token. When that fails, a record
 * with outcome error is appended under the first one. Throws ERR_ISSUER_FAILED, ERR_PLUGIN_CONTRACT.
 */
export async function issue(context: IssueContext, recorded: Recorded, requestId: string): Promise<Issued> {
  const { authorized, plan } = recorded;
  try {
    const credential = await authorized.issuer.issue(
      {
        record: plan.record,
        account: authorized.grant.account,
        agent: authorized.by.agent,
        grant: authorized.grant.id,
        scope: authorized.scope,
        credentialId: plan.credential,
        issuedAt: plan.issuedAt,
        expiresAt: plan.expiresAt,
        identityToken: identityToken(context, recorded),
      },
      requestId,
    );
    return resultOf("issue", { credential, recorded });
  } catch (cause) {
    const code = isAgentKeysError(cause) ? cause.code : "ERR_ISSUER_FAILED";
    await recordFailure(context, recorded, code);
    throw isAgentKeysError(cause)
      ? cause
      : new AgentKeysError("ERR_ISSUER_FAILED", "the issuer failed", { issuer: authorized.issuer.name }, { cause });
  }
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

/** By way of the outbox: a log that is away must not make the failure unheard of. */
async function recordFailure(context: IssueContext, { authorized, plan }: Recorded, code: string): Promise<void> {
  const now = context.now();
  const event = {
    id: newRecordId(now, context.random(10)),
    time: now,
    type: RecordType.issued,
    outcome: Outcome.error,
    account: authorized.grant.account,
    agent: authorized.by.agent,
    issuer: authorized.issuer.name,
    parent: plan.record,
    code,
  };
  await context.store.write("recordEvents", { events: [event] });
  await context.outbox.drain();
}
