import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import { authorize, type Authorized, type CredentialAsk } from "../steps/authorize.ts";
import type { RecordPlan } from "../steps/record.ts";
import type { IdempotencyRow } from "../store/commands/uses.ts";
import { recordDenial } from "./denial.ts";
import { inProgress } from "./alone.ts";
import { findRepeated, planOf, reserveUse, type NamedUse } from "./use.ts";

/** A use that was reserved, now or earlier with the same key. */
export interface TakenUse {
  readonly authorized: Authorized;
  readonly plan: RecordPlan;
  /** Its record may be there. */
  readonly isRepeated: boolean;
}

/**
 * Authorizes an ask and reserves its use. Whether the use was reserved before is learned from the reservation or, where the ask is
 * refused by now, by looking: to look first would cost each new use a read. Throws what `authorize`, `findRepeated`
 * and `reserveUse` do; a denial is recorded before.
 */
export async function takeUse(
  broker: Broker,
  by: Authenticated,
  ask: CredentialAsk,
  use: NamedUse,
  lap: (step: string) => void,
): Promise<TakenUse> {
  const repeat = async (row: IdempotencyRow): Promise<TakenUse> => {
    const again = await authorize(broker, by, ask, row).catch(async (error: unknown) =>
      recordDenial(broker, by, ask, error),
    );
    // The credential itself is kept nowhere, and the far side would make another one.
    if (again.issuer.isRemote)
      throw new AgentKeysError("ERR_ISSUER_OUTCOME_UNKNOWN", "what the first request was answered is not kept", {});
    return { authorized: again, plan: planOf(row), isRepeated: true };
  };
  let authorized: Authorized;
  try {
    authorized = await authorize(broker, by, ask);
  } catch (error) {
    const row = findRepeated(broker, use);
    if (row !== undefined) return repeat(row);
    return recordDenial(broker, by, ask, error);
  }
  lap("authorize");
  let plan: Awaited<ReturnType<typeof reserveUse>>;
  try {
    plan = await reserveUse(broker, use, authorized);
  } catch (error) {
    if (isAgentKeysError(error, "ERR_GRANT_NOT_FOUND")) return recordDenial(broker, by, ask, error);
    throw error;
  }
  lap("reserve");
  // Another ask was faster, and another grant may serve this one. The one looked at has too little left now, so this ends.
  if (plan === "used_up") return takeUse(broker, by, ask, use, lap);
  if (plan !== "repeated") return { authorized, plan, isRepeated: false };
  const row = findRepeated(broker, use);
  if (row === undefined) throw inProgress();
  return repeat(row);
}
