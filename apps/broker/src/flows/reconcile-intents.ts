import { RecordType, Outcome } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import type { Intent } from "../store/commands/intents.ts";
import { newEvent } from "./event.ts";

/**
 * Closes what the last run left open: uses of issuers that call out, whose intent is recorded and whose result is not. Nobody knows then
 * whether there is a credential; nobody was given it. A use whose intent was not recorded either is given back. For the boot, before
 * anything is served.
 */
export async function reconcileIntents(broker: Broker): Promise<void> {
  for (const intent of broker.readings.openIntents()) {
    const { record, result, key, grant } = intent;
    if ((await broker.log.find(result, result)) !== undefined) await broker.store.write("closeIntent", { record });
    else if ((await broker.log.find(record, record)) !== undefined)
      await broker.store.write("closeIntent", { record, event: orphanOf(broker, intent) });
    else await broker.store.write("releaseUse", { key: key.toString("binary"), grant });
  }
  await broker.outbox.drain();
}

function orphanOf(broker: Broker, { record, result, account, agent, issuer }: Intent) {
  const facts = { account, agent, issuer, parent: record, code: "ERR_ISSUER_OUTCOME_UNKNOWN" };
  return { ...newEvent(broker, RecordType.issued, { ...facts, outcome: Outcome.unknown }), id: result };
}
