import { AgentKeysError } from "@agentkeys/core";

/** Runs `act` unless the same key is being worked on. After a crash nothing is, so memory is the right place to know it. */
export async function alone<T>(running: Set<string>, name: string, act: () => Promise<T>): Promise<T> {
  if (running.has(name)) throw inProgress();
  running.add(name);
  try {
    return await act();
  } finally {
    running.delete(name);
  }
}

/** The error of a request whose key another one has that is not over. */
export function inProgress(): AgentKeysError {
  return new AgentKeysError(
    "ERR_REQUEST_IN_PROGRESS",
    "the first request with this Idempotency-Key is still running",
    {},
  );
}
