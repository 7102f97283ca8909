import { AgentKeysError } from "@agentkeys/core";
import type { AnchorFacade } from "../facade/anchor.ts";
import type { LogFacade } from "../facade/log.ts";
import { openFreeze, type Freeze } from "../ops/freeze.ts";
import { createHighWater, openHighWaterFile, type HighWater } from "../ops/high-water.ts";
import type { Logger } from "../ops/logger.ts";
import { assertNotRewound } from "../ops/rewind.ts";
import type { BrokerConfig } from "./read-config.ts";

/** What watches over a running log. */
export interface Watch {
  readonly highWater: HighWater;
  readonly freeze: Freeze;
}

/** What notices a log that was put back or split: refuses one before anything is appended to it, then keeps watch. */
export async function watchLog(
  config: BrokerConfig,
  { log, anchors }: { readonly log?: LogFacade; readonly anchors: readonly AnchorFacade[] },
  now: () => number,
  logger: Logger,
  onFatal: (error: Error) => void,
): Promise<Watch> {
  if (log === undefined) throw new AgentKeysError("ERR_INTERNAL", "the configuration selects no log", {});
  const file = await openHighWaterFile(config.highWaterDirectory);
  const { origin } = await log.head("boot");
  const freeze = await openFreeze(config.highWaterDirectory, origin, now);
  await assertNotRewound({ log, anchors, file, logger });
  return { freeze, highWater: createHighWater({ file, log, logger, now: () => performance.now(), onFatal }) };
}
