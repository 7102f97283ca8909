import type { Json } from "@agentkeys/core";
import type { AnchorFacade } from "../facade/anchor.ts";
import type { LogFacade } from "../facade/log.ts";
import type { Store } from "../store/engine-store.ts";
import type { Readings } from "../store/readings.ts";
import type { Logger } from "./logger.ts";

/** Publishes the newest head to one anchor, again and again, and keeps the evidence. Never delays a request. */
export interface AnchorLoop {
  close(): Promise<void>;
}

interface AnchorLoopParts {
  readonly anchor: AnchorFacade;
  readonly log: LogFacade;
  readonly store: Store;
  readonly readings: Readings;
  readonly logger: Logger;
  readonly now: () => number;
}

const longestPause = 60_000;
const pauseAfterFault = 5000;

/** Starts the loop of one anchor; its first publish is at once. */
export function startAnchorLoop({ anchor, log, store, readings, logger, now }: AnchorLoopParts): AnchorLoop {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let published = readings.newestEvidence().find((one) => one.anchor === anchor.name)?.size ?? 0;

  /** One publish; answers how long to wait for the next. */
  async function publish(): Promise<number> {
    const head = await log.head(`anchor.${anchor.name}`);
    if (head.size <= published) return anchor.minIntervalMs;
    const tools = { prove: (from: number, to: number) => log.prove(from, to, `anchor.${anchor.name}`) };
    const result = await anchor.publish(head, tools, `anchor.${anchor.name}`);
    switch (result.status) {
      case "ok":
      case "already":
        await store.write("keepEvidence", {
          anchor: anchor.name,
          size: head.size,
          evidence: result.evidence as unknown as Json,
          now: now(),
        });
        published = head.size;
        return anchor.minIntervalMs;
      case "retry":
        logger.warn("anchor.retry", { anchor: anchor.name, reason: result.reason, after_ms: result.afterMs });
        return result.afterMs;
      case "ahead":
      case "fork":
      case "refused":
        logger.error(`anchor.${result.status}`, { anchor: anchor.name, ...result });
        return longestPause;
    }
  }

  async function attempt(): Promise<void> {
    let pause = pauseAfterFault;
    try {
      pause = await publish();
    } catch (error) {
      logger.warn("anchor.failed", {
        anchor: anchor.name,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
    again(Math.min(Math.max(pause, 100), longestPause));
  }

  function again(pause: number): void {
    if (isClosed) return;
    timer = setTimeout(() => {
      turn = attempt();
    }, pause);
    timer.unref();
  }

  again(0);
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
