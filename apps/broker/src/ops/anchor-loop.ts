import { isAgentKeysError, type Json, type PublishResult } from "@agentkeys/core";
import type { AnchorFacade } from "../facade/anchor.ts";
import type { LogFacade } from "../facade/log.ts";
import type { Store } from "../store/engine-store.ts";
import type { Readings } from "../store/readings.ts";
import type { AnchorStates } from "./anchor-states.ts";
import type { Freeze } from "./freeze.ts";
import type { Logger } from "./logger.ts";
import { checkpointOf, isSignedBy } from "./rewind.ts";

/** Publishes the newest head to one anchor, again and again, and keeps the evidence. Never delays a request. */
export interface AnchorLoop {
  close(): Promise<void>;
}

interface AnchorLoopParts {
  readonly anchor: AnchorFacade;
  readonly log: LogFacade;
  readonly freeze: Freeze;
  readonly store: Store;
  readonly readings: Readings;
  readonly logger: Logger;
  readonly now: () => number;
  readonly anchorStates: AnchorStates;
}

const longestPause = 60_000;
const pauseAfterFault = 5000;

/** Starts the loop of one anchor; its first publish is at once. */
export function startAnchorLoop(parts: AnchorLoopParts): AnchorLoop {
  const { anchor, log, store, readings, logger, now, anchorStates, freeze } = parts;
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
        anchorStates.set(anchor.name, { status: "ok" });
        return anchor.minIntervalMs;
      case "retry":
        anchorStates.set(anchor.name, { status: "retry", reason: result.reason });
        logger.warn("anchor.retry", { anchor: anchor.name, reason: result.reason, after_ms: result.afterMs });
        return result.afterMs;
      case "fork":
        anchorStates.set(anchor.name, { status: result.status, reason: reasonOf(result) });
        logger.error("anchor.fork", { anchor: anchor.name, size: result.size });
        await freeze.stop({ anchor: anchor.name, status: "fork", theirs: result.theirs }, head);
        return longestPause;
      case "ahead":
        anchorStates.set(anchor.name, { status: result.status, reason: reasonOf(result) });
        logger.error("anchor.ahead", { anchor: anchor.name, size: result.size });
        await stopIfOurs(result.theirs);
        return longestPause;
      case "refused":
        anchorStates.set(anchor.name, { status: result.status, reason: reasonOf(result) });
        logger.error("anchor.refused", { anchor: anchor.name, reason: result.reason });
        return longestPause;
    }
  }

  /** A far side that is ahead stops nothing by its word alone: only by a head that this log's own key has signed. */
  async function stopIfOurs(theirs: string | undefined): Promise<void> {
    if (theirs === undefined) return;
    const head = await log.head(`anchor.${anchor.name}`);
    const epochs = await log.epochs(`anchor.${anchor.name}`);
    const vkeys = epochs.find(({ origin }) => origin === head.origin)?.vkeys ?? [head.vkey];
    const { origin, size } = checkpointOf(theirs);
    if (origin !== head.origin || size <= head.size || !(await isSignedBy(theirs, vkeys))) return;
    await freeze.stop({ anchor: anchor.name, status: "ahead", theirs }, head);
  }

  async function attempt(): Promise<void> {
    let pause = pauseAfterFault;
    try {
      pause = await publish();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      anchorStates.set(anchor.name, {
        status: "failed",
        reason: isAgentKeysError(error) ? error.code : "ERR_INTERNAL",
      });
      logger.warn("anchor.failed", { anchor: anchor.name, reason });
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

/** What anyone may read of it. */
function reasonOf(result: Extract<PublishResult, { readonly status: "ahead" | "fork" | "refused" }>): string {
  if (result.status === "refused") return result.reason;
  return result.status === "ahead"
    ? `it has a larger head of this log, of ${result.size} records`
    : `it has another root for ${result.size} records`;
}
