import { resolve } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import * as v from "valibot";
import type { Broker } from "../broker.ts";
import { compose } from "../boot/compose.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import { isWithin } from "../files/within.ts";
import { newEvent } from "../flows/event.ts";
import { reconcileIntents } from "../flows/reconcile-intents.ts";
import { startAnchorLoop } from "../ops/anchor-loop.ts";
import { askControl, openControl } from "../ops/control.ts";
import { createLogger } from "../ops/logger.ts";
import { UsageError } from "./command.ts";
import type { Tell } from "./recover.ts";

/** What waits for the log, and the last head for its anchors, have so long, in milliseconds. */
const patience = 60_000;

const answer = v.object({ origin: v.string() });

/**
 * `adopt DATA_DIR`: for the data of a broker that will not come back, kept under a configuration like this one. Carries to its log what
 * waited, closes its intents as unknown, and seals the epoch with a record that names this broker's log; its anchors are given the last
 * head. Nothing else of the data is taken over. Cut short, it is gone on with by the next call. `highWater` is where the dead broker's
 * high-water file lies. Throws {@link UsageError}, also where this broker does not run, ERR_AUDIT_IN_USE where the other does, and what a
 * start refuses data for.
 */
export async function adopt(config: BrokerConfig, directory: string, highWater: string, tell: Tell): Promise<void> {
  const data = resolve(directory);
  if (isWithin(data, config.dataDirectory) || isWithin(config.dataDirectory, data))
    throw new UsageError(`${data} is this broker's own data, or lies in it`);
  const successor = await originOf(config.dataDirectory);
  const logger = createLogger((line) => process.stderr.write(line), Date.now, config.logLevel);
  // Held all the time: a broker started on this data meanwhile ends at once.
  const control = await openControl(data, logger);
  try {
    const dead = { ...config, dataDirectory: data, highWaterDirectory: resolve(highWater) };
    const fail = (error: Error): never => {
      throw error;
    };
    const { broker, close } = await compose(dead, logger, fail);
    try {
      await seal(broker, successor, tell);
    } finally {
      await close();
    }
  } finally {
    await control.close();
  }
}

async function seal(broker: Broker, successor: string, tell: Tell): Promise<void> {
  const open = broker.readings.openIntents().length;
  await reconcileIntents(broker);
  await broker.outbox.drain(patience);
  const waiting = broker.readings.countWaitingEvents();
  if (waiting > 0)
    throw new AgentKeysError("ERR_AUDIT_UNAVAILABLE", `${waiting} events still wait for the log`, {
      reason: "the log takes no events",
    });
  const wanted = newEvent(broker, RecordType.epochSealed, { outcome: Outcome.notApplicable, body: { successor } });
  await broker.store.write("sealLog", { event: wanted });
  const event = broker.readings.seal() ?? wanted;
  await broker.log.append(event, "adopt");
  const { origin, size } = await broker.log.head("adopt");
  tell(`${open} uses without a result were closed as unknown`);
  tell(`the log ${origin} ends at ${size} records; its last one names its successor`);
  for (const anchor of broker.anchors) tell(await publishLast(broker, anchor, size));
  tell("keep the folder: the log's records, and what opens them, are there and nowhere else");
}

async function publishLast(broker: Broker, anchor: Broker["anchors"][number], size: number): Promise<string> {
  const { name } = anchor;
  const isThere = (): boolean =>
    broker.readings.newestEvidence().some((one) => one.anchor === name && one.size >= size);
  const loop = startAnchorLoop({ ...broker, anchor });
  try {
    const until = Date.now() + patience;
    while (!isThere() && Date.now() < until)
      await new Promise((done) => {
        setTimeout(done, 100);
      });
    return isThere()
      ? `the anchor ${name} has the last head`
      : `the anchor ${name} did not take the last head within ${patience / 1000} s: run this again`;
  } finally {
    await loop.close();
  }
}

async function originOf(dataDirectory: string): Promise<string> {
  const given = await askControl(dataDirectory, "origin", {});
  if (given === undefined) throw new UsageError(`no broker runs on ${dataDirectory}: start the successor first`);
  return v.parse(answer, given).origin;
}
