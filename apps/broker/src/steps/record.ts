import { isAgentKeysError, newIdentifier, newRecordId, type AuditEvent } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { LogFacade } from "../facade/log.ts";
import type { Freeze } from "../ops/freeze.ts";
import type { HighWater } from "../ops/high-water.ts";
import type { Authorized } from "./authorize.ts";
import { type ResultOf, resultOf } from "./result.ts";

/** What was authorised stands in the log, durably, and here is its receipt. */
export type Recorded = ResultOf<
  "record",
  {
    readonly authorized: Authorized;
    readonly plan: RecordPlan;
    /** JSON text, opened to the agent. */
    readonly receipt: string;
  }
>;

/** The ids and times a record and its credential will have. Fixed before anything is written, so that a retry gives the same. */
export interface RecordPlan {
  /** UUID text. */
  readonly record: string;
  /** Public id of the credential. */
  readonly credential: string;
  /** Milliseconds. */
  readonly recordedAt: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/** Makes the plan of a new record. */
export function planRecord(now: number, ttl: number, random: (size: number) => Uint8Array): RecordPlan {
  const issuedAt = Math.floor(now / 1000);
  return {
    record: newRecordId(now, random(10)),
    credential: newIdentifier("jti", random(16)),
    recordedAt: now,
    issuedAt,
    expiresAt: issuedAt + ttl,
  };
}

/** What recording looks at. */
export interface RecordContext {
  readonly log: LogFacade;
  readonly highWater: Pick<HighWater, "assertKept">;
  readonly freeze: Pick<Freeze, "assertNone">;
}

/**
 * Records the issue (type 2, outcome ok) and resolves when it survives a crash. With `isRepeated` the record may be there: then
 * its receipt is made anew. Nothing is recorded, and so nothing released, while the log may not be trusted to be the only one. Throws ERR_AUDIT_* and ERR_PLUGIN_*; after ERR_AUDIT_RECORD nothing was recorded.
 */
export async function record(
  context: RecordContext,
  authorized: Authorized,
  plan: RecordPlan,
  isRepeated: boolean,
  requestId: string,
): Promise<Recorded> {
  assertLogTrusted(context);
  const known = isRepeated
    ? await context.log.receipt({ record: plan.record, open: [6, 9, 12] }, requestId)
    : undefined;
  const receipt = known ?? (await context.log.append(issuedEvent(authorized, plan), requestId)).receipt;
  return resultOf("record", { authorized, plan, receipt });
}

/** Throws ERR_AUDIT_FORK or ERR_AUDIT_UNAVAILABLE while nothing may be issued. */
export function assertLogTrusted({ freeze, highWater }: Omit<RecordContext, "log">): void {
  freeze.assertNone();
  highWater.assertKept();
}

function issuedEvent(authorized: Authorized, plan: RecordPlan): AuditEvent {
  return {
    id: plan.record,
    time: plan.recordedAt,
    type: RecordType.issued,
    outcome: Outcome.ok,
    account: authorized.grant.account,
    agent: authorized.by.agent,
    ...(authorized.wallet === undefined ? {} : { wallet: authorized.wallet }),
    issuer: authorized.issuer.name,
    scope: authorized.scopeText,
    policy: authorized.policy,
    grant: authorized.grant.id,
    credential: plan.credential,
    validity: [plan.issuedAt, plan.expiresAt],
  };
}

/** True when a failed `record` surely wrote nothing, so that its use can be given back. */
export function isSurelyUnrecorded(error: unknown): boolean {
  return isAgentKeysError(error, "ERR_AUDIT_RECORD");
}
