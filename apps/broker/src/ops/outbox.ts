import { setTimeout } from "node:timers/promises";
import { isAgentKeysError } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { LogFacade } from "../facade/log.ts";
import type { Store } from "../store/engine-store.ts";
import type { Readings } from "../store/readings.ts";
import type { Logger } from "./logger.ts";

/** Carries decided events from the store to the audit log, in order, each exactly once. */
export interface Outbox {
  /**
   * Resolves when everything decided before stands in the log, or after `patience` milliseconds; at once while the log is known to
   * take nothing. Never rejects.
   */
  drain(patience?: number): Promise<void>;
  close(): void;
}

const batch = 64;
const retryAfter = 1000;

/** Events wait in the store, so none is lost when the log is away or the process dies; their ids make a repeat harmless. */
export function createOutbox(parts: { readings: Readings; store: Store; log: LogFacade; logger: Logger }): Outbox {
  const { readings, store, log, logger } = parts;
  let running: Promise<void> | undefined;
  let isAgain = false;
  let timer: NodeJS.Timeout | undefined;
  // Once the log has failed, one event asks whether it is back: a log that hangs must not be filled with repeats.
  let isAway = false;

  async function carry(): Promise<void> {
    for (;;) {
      isAgain = false;
      const asked = isAway ? 1 : batch;
      const waiting = upToErasure(readings.waitingEvents(asked));
      // Appends are posted in order and group-committed; a rejected one is looked at alone.
      const outcomes = await Promise.allSettled(waiting.map(({ event }) => log.append(event, event.id)));
      let through: number | undefined;
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.status === "rejected" && !isHopeless(outcome.reason)) break;
        const row = waiting[at];
        if (outcome.status === "rejected")
          logger.error("audit.event_refused", { record: row?.event.id ?? "", reason: String(outcome.reason) });
        // What comes behind may be of a new account with the same name: the old one's key goes before that is recorded.
        const erased = row?.event.type === RecordType.erased ? row.event.account : undefined;
        if (erased !== undefined && log.upkeep === undefined)
          logger.error("audit.not_erased", { record: row?.event.id ?? "", reason: "the log has no upkeep" });
        else if (erased !== undefined) await log.upkeep?.erase(erased, row?.event.id ?? "");
        through = row?.position;
      }
      if (through !== undefined) await store.write("acknowledgeEvents", { through });
      const isHeld = waiting.length > 0 && through !== waiting.at(-1)?.position;
      isAway = isHeld;
      if (isHeld) throw new Error("the log takes no events now");
      if (waiting.length === 0 || (waiting.length < asked && !isAgain && !hasErasure(waiting))) return;
    }
  }

  function start(): Promise<void> {
    isAgain = true;
    // The next try is on its way: each request of a log that is away need not make one of its own.
    if (isAway && timer !== undefined) return Promise.resolve();
    running ??= carry()
      .catch((error: unknown) => {
        logger.warn("audit.outbox_waits", { reason: error instanceof Error ? error.message : String(error) });
        timer ??= globalThis
          .setTimeout(() => {
            timer = undefined;
            void start();
          }, retryAfter)
          .unref();
      })
      .finally(() => {
        running = undefined;
        // Asked for after the last look and before this: nobody else would look again.
        if (isAgain && timer === undefined) void start();
      });
    return running;
  }

  return {
    async drain(patience = 2000) {
      if (isAway) {
        void start();
        return;
      }
      const limit = new AbortController();
      await Promise.race([
        start(),
        setTimeout(patience, undefined, { signal: limit.signal, ref: false }).catch(() => undefined),
      ]);
      limit.abort();
    },
    close: () => clearTimeout(timer),
  };
}

type Waiting = ReturnType<Readings["waitingEvents"]>;

function hasErasure(waiting: Waiting): boolean {
  return waiting.some(({ event }) => event.type === RecordType.erased);
}

/** The events up to and with the first that tells of an erased account. */
function upToErasure(waiting: Waiting): Waiting {
  const at = waiting.findIndex(({ event }) => event.type === RecordType.erased);
  return at === -1 ? waiting : waiting.slice(0, at + 1);
}

/** An event that no log will ever take: kept back, it would hold up every later one. */
function isHopeless(reason: unknown): boolean {
  return isAgentKeysError(reason, "ERR_AUDIT_RECORD") || isAgentKeysError(reason, "ERR_AUDIT_CONFLICT");
}
