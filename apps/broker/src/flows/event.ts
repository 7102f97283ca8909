import { newRecordId, type AuditEvent } from "@agentkeys/core";
import { Outcome } from "@agentkeys/log";
import type { Broker } from "../broker.ts";

/** A new event of now, outcome ok unless said otherwise. */
export function newEvent(
  broker: Pick<Broker, "now" | "random">,
  type: number,
  fields: Omit<AuditEvent, "id" | "time" | "type" | "outcome"> & { outcome?: number },
): AuditEvent {
  const time = broker.now();
  return { id: newRecordId(time, broker.random(10)), time, type, outcome: Outcome.ok, ...fields };
}
