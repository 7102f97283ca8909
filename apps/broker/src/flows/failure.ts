import { AgentKeysError, isAgentKeysError, type ErrorCode } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { UseKey } from "../store/commands/uses.ts";
import type { StoredFailure } from "../store/schema.ts";

/** Keeps the error of a recorded use, so that a retry is answered with the same, and throws it on. */
export async function storeFailure(broker: Broker, key: UseKey, error: unknown): Promise<never> {
  if (isAgentKeysError(error)) {
    const failure: StoredFailure = { code: error.code, message: error.message, facts: error.facts };
    await broker.store.write("failUse", { key, failure });
  }
  throw error;
}

/** The error again, from what was stored. */
export function remakeFailure(failure: StoredFailure): AgentKeysError {
  return new AgentKeysError(failure.code as ErrorCode, failure.message, failure.facts as never);
}
