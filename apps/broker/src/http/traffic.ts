import { AgentKeysError } from "@agentkeys/core";

/** The requests being worked on: how many at once, how long each, and their end. */
export interface Traffic {
  /** How many may run at once. */
  readonly most: number;
  readonly running: number;
  /** True from the first call of `drain` on. */
  readonly isDraining: boolean;
  /**
   * Works on a request and settles within `milliseconds`, whatever becomes of the work. Throws ERR_REQUEST_OVERLOADED and
   * ERR_REQUEST_SHUTTING_DOWN before anything is done, ERR_REQUEST_TIMEOUT and ERR_REQUEST_SHUTTING_DOWN while it is.
   */
  run(milliseconds: number, work: () => Promise<void>): Promise<void>;
  /** Takes no request any more. Resolves when those that run have ended; `milliseconds` later they are refused. */
  drain(milliseconds: number): Promise<void>;
}

/** Lets at most `most` requests run at once. */
export function createTraffic(most: number): Traffic {
  const running = new Set<(reason: AgentKeysError) => void>();
  let isDraining = false;
  let onEmpty: (() => void) | undefined;
  const leave = (refuse: (reason: AgentKeysError) => void): void => {
    running.delete(refuse);
    if (running.size === 0) onEmpty?.();
  };
  return {
    most,
    get running() {
      return running.size;
    },
    get isDraining() {
      return isDraining;
    },
    async run(milliseconds, work) {
      if (isDraining) throw shuttingDown();
      if (running.size >= most)
        throw new AgentKeysError("ERR_REQUEST_OVERLOADED", `${most} requests are being worked on`, {});
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      running.add(reject);
      const timer = setTimeout(
        () =>
          reject(new AgentKeysError("ERR_REQUEST_TIMEOUT", `no answer within ${milliseconds} ms`, { milliseconds })),
        milliseconds,
      );
      work().then(() => resolve(undefined), reject);
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        leave(reject);
      }
    },
    async drain(milliseconds) {
      isDraining = true;
      if (running.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      onEmpty = () => resolve(undefined);
      const timer = setTimeout(() => {
        for (const refuse of running) refuse(shuttingDown());
      }, milliseconds);
      await promise;
      clearTimeout(timer);
    },
  };
}

function shuttingDown(): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_SHUTTING_DOWN", "the broker is stopping", {});
}
