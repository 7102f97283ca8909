import { AgentKeysError, describeError, isAgentKeysError, type Call, type Json, type Readiness } from "@agentkeys/core";
import * as v from "valibot";
import type { Family, Gauge, Histogram } from "../ops/registry.ts";
import { PluginCall } from "./call.ts";

/** Calls into one plug-in: each with a deadline, its errors named once. */
export interface Guard {
  /** e.g. `auth(email)`. */
  readonly plugin: string;
  /** `patience` in milliseconds, where a call may take longer than the others. */
  run<T>(method: string, requestId: string, act: (call: Call) => Promise<T>, patience?: number): Promise<T>;
  /** For the contract's pure functions. */
  runPure<T>(method: string, act: () => T): T;
  /**
   * Copies an answer into plain values, each of its members read once: what was checked is what is used. Throws ERR_PLUGIN_CONTRACT
   * for one of another form, also for one that cannot be read at all.
   */
  read<Schema extends v.GenericSchema>(method: string, schema: Schema, answer: unknown): v.InferOutput<Schema>;
  /** The error of an answer that the contract forbids. */
  breach(broke: string): AgentKeysError;
}

/** Told of each call into a plug-in: how long it took, in seconds, `ok` or the code of its error, and how many are unanswered. */
export interface CallObserver {
  readonly pluginSeconds: Family<Histogram>;
  readonly pluginUnanswered: Family<Gauge>;
}

/** Calls a plug-in may leave unanswered, past their deadlines too. Beyond it, it hangs, and asking it more only fills its queue. */
const mostUnanswered = 4096;

/** Makes the guard of one plug-in. `milliseconds` is the deadline of each of its calls. */
export function createGuard(plugin: string, milliseconds: number, observer?: CallObserver): Guard {
  let unanswered = 0;
  const waiting = observer?.pluginUnanswered.with(plugin);
  const breach = (broke: string): AgentKeysError =>
    new AgentKeysError("ERR_PLUGIN_CONTRACT", `${plugin}: ${broke}`, { plugin, broke });
  const named = (method: string, error: unknown): Error =>
    recode(plugin, error) ??
    new AgentKeysError(
      "ERR_PLUGIN_FAILED",
      `${plugin}: ${method} failed`,
      { plugin, method },
      { cause: readable(error) },
    );
  return {
    plugin,
    async run(method, requestId, act, patience = milliseconds) {
      if (unanswered >= mostUnanswered)
        throw new AgentKeysError("ERR_PLUGIN_TIMEOUT", `${plugin}: it leaves ${unanswered} calls unanswered`, {
          plugin,
          method,
          milliseconds,
        });
      const call = new PluginCall(requestId, patience);
      const startedAt = performance.now();
      let outcome = "ok";
      unanswered += 1;
      waiting?.set(unanswered);
      const answered = async () => {
        try {
          return await act(call);
        } finally {
          unanswered -= 1;
          waiting?.set(unanswered);
        }
      };
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () =>
            reject(
              new AgentKeysError("ERR_PLUGIN_TIMEOUT", `${method} took over ${patience} ms`, {
                plugin,
                method,
                milliseconds: patience,
              }),
            ),
          patience,
        );
      });
      try {
        return await Promise.race([answered(), late]);
      } catch (error) {
        const fault = named(method, error);
        outcome = isAgentKeysError(fault) ? fault.code : "ERR_INTERNAL";
        throw fault;
      } finally {
        observer?.pluginSeconds.with(plugin, method, outcome).observe((performance.now() - startedAt) / 1000);
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
    read(method, schema, answer) {
      let parsed;
      try {
        parsed = v.safeParse(schema, answer);
      } catch {
        throw breach(`${method} gave an answer that cannot be read`);
      }
      if (parsed.success) return parsed.output;
      const places = parsed.issues.slice(0, 8).map((issue) => v.getDotPath(issue) ?? "(root)");
      throw breach(`${method} gave an answer of another form: ${places.join(", ")}`);
    },
    breach,
  };
}

/**
 * An error with a code, anew: a plug-in's own may be frozen, of a newer registry, or hold what is no JSON. Its message is prefixed
 * once, also when the plug-in passes on an error that went through a facade before. Undefined for any other.
 */
function recode(plugin: string, error: unknown): AgentKeysError | undefined {
  try {
    if (!isAgentKeysError(error) || describeError(error.code) === undefined) return undefined;
    const message = error.message.startsWith(`${plugin}: `) ? error.message : `${plugin}: ${error.message}`;
    return new AgentKeysError(error.code, message, copyJson(error.facts ?? {}) as never, {
      cause: readable(error.cause),
    });
  } catch {
    return undefined;
  }
}

/** What was thrown, where the logger can look at it without another throw. */
function readable(thrown: unknown): Error | undefined {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    return undefined;
  }
}

function copyJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** JSON of a plug-in's, copied. */
export const json: v.GenericSchema<unknown, Json> = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, Json>(({ dataset, addIssue, NEVER }) => {
    try {
      return typeof dataset.value === "string" ? dataset.value : copyJson(dataset.value);
    } catch {
      addIssue({ message: "expected JSON" });
      return NEVER;
    }
  }),
);

/** What an instance may say of its readiness: nothing else passes for ready. */
export const readiness: v.GenericSchema<unknown, Readiness> = v.union([
  v.object({ status: v.literal("ready") }),
  v.object({ status: v.picklist(["degraded", "unready"]), reason: v.string() }),
]);
