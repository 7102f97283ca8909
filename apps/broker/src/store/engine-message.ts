import { AgentKeysError, isAgentKeysError, type ErrorCode, type ErrorFacts } from "@agentkeys/core";

/** What the worker is started with. */
export interface WorkerStart {
  readonly file: string;
  /** URL of the module that is the {@link EngineDefinition}. */
  readonly definition: string;
}

/** A command to run, or the word that ends the worker. */
export type Ask = readonly [command: string, input: unknown];

/** Many asks in one message, in order. `"close"` is the last message. */
export type ToWorker = readonly Ask[] | "close";

/** What came of one ask, after its commit. */
export type Answer = { readonly value: unknown } | { readonly fault: CarriedError };

/** The first message says whether the file could be opened; each later one answers asks in their order. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly refused: CarriedError }
  | { readonly answers: readonly Answer[] };

/** An error in the form that crosses a thread border. */
export interface CarriedError {
  readonly message: string;
  /** Of an AgentKeysError. */
  readonly code?: ErrorCode;
  readonly facts?: object;
}

/** Makes an error ready to cross. */
export function carryError(error: unknown): CarriedError {
  if (isAgentKeysError(error)) return { message: error.message, code: error.code, facts: error.facts };
  return { message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

/** Makes the error again on the calling side. One that was no AgentKeysError becomes the cause of ERR_INTERNAL. */
export function remakeError({ message, code, facts }: CarriedError): AgentKeysError {
  if (code !== undefined) return new AgentKeysError(code, message, facts as ErrorFacts<ErrorCode>);
  return new AgentKeysError("ERR_INTERNAL", "a command of the store failed", {}, { cause: new Error(message) });
}
