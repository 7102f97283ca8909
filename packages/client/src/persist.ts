import { isAgentKeysError, type ErrorCode } from "@agentkeys/core";
import type { Clock } from "./clock.ts";

/** Refusals after which the same call, under the same Idempotency-Key, may succeed by itself. */
const passing: readonly ErrorCode[] = [
  "ERR_REQUEST_UNREACHABLE",
  "ERR_REQUEST_TIMEOUT",
  "ERR_REQUEST_IN_PROGRESS",
  "ERR_REQUEST_SHUTTING_DOWN",
];

const pauses = [250, 500, 1000, 2000];

/** Does `work`, and again after a fault that passes, at most five times in all. For work that is safe to repeat. */
export async function persist<Result>(
  work: () => Promise<Result>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Result> {
  for (const pause of pauses) {
    try {
      return await work();
    } catch (error) {
      if (!passing.some((code) => isAgentKeysError(error, code))) throw error;
      await clock.wait(pause, signal);
    }
  }
  return work();
}
