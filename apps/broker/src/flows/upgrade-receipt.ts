import { isAgentKeysError, type AuditView } from "@agentkeys/core";
import type { Broker } from "../broker.ts";

/** Fields an agent sees opened, and those a person sees of their own record. */
const opened = { agent: [6, 9, 12], account: [5, 6, 9, 11, 12] } as const;

/**
 * The receipt of a record under the newest published head that covers it, with the cosignatures and evidence of every anchor that
 * took that head; under the newest head of the log when none does.
 */
export async function upgradeReceipt(
  broker: Broker,
  view: AuditView,
  caller: "agent" | "account",
  requestId: string,
): Promise<string | undefined> {
  // A record of an earlier epoch is under the heads of that epoch, of which the anchors of this one know nothing.
  const evidenceOf = view.index < 0 ? [] : broker.readings.newestEvidence();
  const covering = evidenceOf.filter((one) => one.size > view.index);
  const size = Math.max(0, ...covering.map((one) => one.size));
  const taken = covering.filter((one) => one.size === size).map((one) => one.evidence);
  const ask = { record: view.event.id, open: opened[caller] };
  const evidence = {
    ...(size === 0 ? {} : { size }),
    cosignatures: taken.flatMap((one) => one.cosignatures ?? []),
    anchors: taken.filter((one) => one.cosignatures === undefined),
  };
  try {
    return await broker.log.receipt({ ...ask, ...evidence }, requestId);
  } catch (error) {
    // What an anchor gave may be of no form a receipt can carry; the record itself is proven without it.
    if (!isAgentKeysError(error) || taken.length === 0) throw error;
    broker.logger.warn("receipt.not_upgraded", { record: view.event.id, reason: error.message });
    return broker.log.receipt(ask, requestId);
  }
}
