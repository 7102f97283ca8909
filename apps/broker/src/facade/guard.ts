import { AgentKeysError, isAgentKeysError, type Call } from "@agentkeys/core";
import { createCall } from "./call.ts";

/** Calls into one plug-in: each with a deadline, its errors named once. */
export interface Guard {
  /** e.g. `auth(email)`. */
  readonly plugin: string;
  run<T>(method: string, requestId: string, act: (call: Call) => Promise<T>): Promise<T>;
  /** For the contract's pure functions. */
  runPure<T>(method: string, act: () => T): T;
  /** The error of an answer that the contract forbids. */
  breach(broke: string): AgentKeysError;
}

/** Makes the guard of one plug-in. `milliseconds` is the deadline of each of its calls. */
export function createGuard(plugin: string, milliseconds: number): Guard {
  const named = (method: string, error: unknown): Error => {
    // A message is prefixed once, also when a plug-in passes on an error that went through a facade before.
    if (isAgentKeysError(error)) {
      if (!error.message.startsWith(`${plugin}: `))
        Object.defineProperty(error, "message", { value: `${plugin}: ${error.message}` });
      return error;
    }
    return new AgentKeysError("ERR_PLUGIN_FAILED", `${plugin}: ${method} failed`, { plugin, method }, { cause: error });
  };
  return {
    plugin,
    async run(method, requestId, act) {
      const call = createCall(requestId, milliseconds);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () =>
            reject(
              new AgentKeysError("ERR_PLUGIN_TIMEOUT", `${method} took over ${milliseconds} ms`, {
                plugin,
                method,
                milliseconds,
              }),
            ),
          milliseconds,
        );
      });
      try {
        return await Promise.race([act(call), late]);
      } catch (error) {
        throw named(method, error);
      } finally {
        clearTimeout(timer);
        call.end();
      }
    },
    runPure(method, act) {
      try {
        return act();
      } catch (error) {
        throw named(method, error);
      }
    },
    breach: (broke) => new AgentKeysError("ERR_PLUGIN_CONTRACT", `${plugin}: ${broke}`, { plugin, broke }),
  };
}
