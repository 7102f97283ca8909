import type { Clock } from "../src/index.ts";

/** Time that a test holds: a wait passes at once and moves it on. */
export interface HeldClock extends Clock {
  readonly waits: readonly number[];
  advance(milliseconds: number): void;
}

export function heldClock(): HeldClock {
  let time = Date.now();
  const waits: number[] = [];
  return {
    waits,
    now: () => time,
    advance(milliseconds) {
      time += milliseconds;
    },
    async wait(milliseconds, signal) {
      signal?.throwIfAborted();
      waits.push(milliseconds);
      time += milliseconds;
      await Promise.resolve();
    },
  };
}
