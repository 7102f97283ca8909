import { errorRegistry, type ErrorRow } from "./error-registry.ts";

/** Every stable error code. Append-only: a code never changes its meaning and is never taken away. */
export type ErrorCode = keyof typeof errorRegistry;

/** The typed facts an error of code `Code` carries, e.g. `{issues}` for `ERR_CONFIG_INVALID`. */
export type ErrorFacts<Code extends ErrorCode> =
  (typeof errorRegistry)[Code] extends ErrorRow<infer Facts> ? Readonly<Facts> : never;

// Symbol.for, so that an error made by another copy of core is still recognised.
const marker = Symbol.for("agentkeys.error");

/**
 * The one error class of AgentKeys: a registry code, typed frozen facts, an optional cause.
 *
 * @example
 * throw new AgentKeysError("ERR_WALLET_BOUND", "this address belongs to another account", { address });
 */
export class AgentKeysError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly facts: ErrorFacts<Code>;
  constructor(code: Code, message: string, facts: ErrorFacts<Code>, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "AgentKeysError";
    this.code = code;
    this.facts = Object.freeze({ ...facts }) as ErrorFacts<Code>;
    Object.defineProperty(this, marker, { value: true });
  }
}

/**
 * True for an AgentKeysError, of `code` where one is given. Works across several copies of core, unlike `instanceof`.
 *
 * @example
 * if (isAgentKeysError(error, "ERR_REQUEST_RATE_LIMITED")) wait(error.facts.retryAfter);
 */
export function isAgentKeysError<Code extends ErrorCode>(error: unknown, code?: Code): error is AgentKeysError<Code> {
  return (
    error instanceof Error &&
    (error as Error & Record<symbol, unknown>)[marker] === true &&
    (code === undefined || (error as { code?: unknown }).code === code)
  );
}

/** The registry row of a code, or undefined for text that is no code. Own keys only. */
export function describeError(code: string): ErrorRow<object> | undefined {
  return Object.hasOwn(errorRegistry, code) ? errorRegistry[code as ErrorCode] : undefined;
}
