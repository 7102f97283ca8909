import { AgentKeysError, describeError, isAgentKeysError, type ErrorCode } from "@agentkeys/core";
import * as v from "valibot";

const problemSchema = v.object({
  code: v.string(),
  detail: v.optional(v.string()),
  request_id: v.optional(v.string()),
  retry_after: v.optional(v.number()),
  next_step: v.optional(v.string()),
  proposal: v.optional(v.string()),
  facts: v.optional(v.record(v.string(), v.unknown())),
});

/** What the broker said of a refusal beside its code (RFC 9457): the cause of the error thrown for it. */
export interface Problem {
  readonly status: number;
  readonly requestId?: string | undefined;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
  readonly nextStep?: string | undefined;
  /** Under this id what the agent asked for waits for its owner. */
  readonly proposal?: string | undefined;
}

// An error's cause may be anything; this is how one of ours is told from the others.
const problems = new WeakSet<object>();

/**
 * The error for an answer that is no success: the registry code of its problem document, with its detail and facts; the rest is
 * the cause ({@link problemOf}). For a body that is no problem document of a known code, ERR_REQUEST_UNREACHABLE where a gateway
 * says that it reached nobody, else ERR_REQUEST_ANSWER.
 */
export function problemError(status: number, body: unknown, url: string): AgentKeysError {
  const parsed = v.safeParse(problemSchema, body);
  if (!parsed.success || describeError(parsed.output.code) === undefined) {
    const reason = parsed.success
      ? `unknown code ${parsed.output.code}`
      : `status ${status} without a problem document`;
    const isGateway = !parsed.success && status >= 502 && status <= 504;
    const own = isGateway ? "ERR_REQUEST_UNREACHABLE" : "ERR_REQUEST_ANSWER";
    return new AgentKeysError(own, `${url}: ${reason}`, { url, reason });
  }
  const {
    code,
    detail,
    request_id: requestId,
    retry_after: retryAfter,
    next_step: nextStep,
    proposal,
    facts = {},
  } = parsed.output;
  const problem: Problem = { status, requestId, retryAfter, nextStep, proposal };
  problems.add(problem);
  const known = code as ErrorCode;
  const message = detail ?? describeError(known)?.meaning ?? known;
  return new AgentKeysError(known, message, camelCased(facts), { cause: problem });
}

/** What the broker said beside the code, for an error that came from a broker. */
export function problemOf(error: unknown): Problem | undefined {
  if (!isAgentKeysError(error)) return undefined;
  const { cause } = error;
  return typeof cause === "object" && cause !== null && problems.has(cause) ? (cause as Problem) : undefined;
}

function camelCased(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name.replace(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
