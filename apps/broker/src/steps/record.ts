import { isAgentKeysError, newIdentifier, newRecordId, type AuditEvent } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { LogFacade } from "../facade/log.ts";
import type { Freeze } from "../ops/freeze.ts";
import type { HighWater } from "../ops/high-water.ts";
import type { Authorized } from "./authorize.ts";
import { type ResultOf, resultOf } from "./result.ts";

/** What was authorised stands in the log, durably, and here is its receipt: of the issue or, where the issuer calls out, of the intent. */
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
  /** Of an issuer that calls out: UUID text of the record that will tell the result. */
  readonly result?: string;
  /** Public id of the credential. */
  readonly credential: string;
  /** Milliseconds. */
  readonly recordedAt: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/** Makes the plan of a new record; with `isRemote`, of an intent and its result. */
export function planRecord(
  now: number,
  ttl: number,
  isRemote: boolean,
  random: (size: number) => Uint8Array,
): RecordPlan {
  const issuedAt = Math.floor(now / 1000);
  return {
    record: newRecordId(now, random(10)),
    ...(isRemote ? { result: newRecordId(now, random(10)) } : {}),
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
 * Records the issue (type 2, outcome ok), or the intent (type 1) where the issuer calls out, and resolves when it survives a crash. With `isRepeated` the record may be there: then
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
  const receipt = known ?? (await context.log.append(eventOf(authorized, plan), requestId)).receipt;
  return resultOf("record", { authorized, plan, receipt });
}

/** Throws ERR_AUDIT_FORK or ERR_AUDIT_UNAVAILABLE while nothing may be issued. */
export function assertLogTrusted({ freeze, highWater }: Omit<RecordContext, "log">): void {
  freeze.assertNone();
  highWater.assertKept();
}

function eventOf(authorized: Authorized, plan: RecordPlan): AuditEvent {
  const validity = [plan.issuedAt, plan.expiresAt] as const;
  const common = { ...factsOf(authorized), id: plan.record, time: plan.recordedAt, validity };
  return authorized.issuer.isRemote
    ? { ...common, type: RecordType.intent, outcome: Outcome.notApplicable }
    : { ...common, type: RecordType.issued, outcome: Outcome.ok, credential: plan.credential };
}

/** What each record of a use says of who asked for what. */
export function factsOf(
  authorized: Authorized,
): Pick<AuditEvent, "account" | "agent" | "wallet" | "issuer" | "scope" | "policy" | "grant"> {
  return {
    account: authorized.grant.account,
    agent: authorized.by.agent,
    ...(authorized.wallet === undefined ? {} : { wallet: authorized.wallet }),
    issuer: authorized.issuer.name,
    scope: authorized.scopeText,
    policy: authorized.policy,
    grant: authorized.grant.id,
  };
}

/** True when a failed `record` surely wrote nothing, so that its use can be given back. */
export function isSurelyUnrecorded(error: unknown): boolean {
  return isAgentKeysError(error, "ERR_AUDIT_RECORD");
}
