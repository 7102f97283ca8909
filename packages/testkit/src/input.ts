import { isAgentKeysError, type ErrorCode, type Json } from "@agentkeys/core";
import { check, describe, expectRefusal } from "./expect.ts";
import { textsIn } from "./hostile-json.ts";

/** Longest text of an error about a body. */
const longest = 4096;

/**
 * Fails the case unless the body is refused, by default with ERR_REQUEST_MALFORMED and what is wrong with it, without repeating
 * the body. `mayBeTaken`: a member was left out, which may be fine.
 */
export async function expectMalformed(
  work: Promise<unknown>,
  what: string,
  options: { readonly codes?: readonly ErrorCode[]; readonly mayBeTaken?: boolean } = {},
): Promise<void> {
  const { codes = ["ERR_REQUEST_MALFORMED"], mayBeTaken = false } = options;
  const [result] = await Promise.allSettled([work]);
  if (mayBeTaken && result?.status === "fulfilled") return;
  const error = await expectRefusal(work, codes, what);
  if (!isAgentKeysError(error, "ERR_REQUEST_MALFORMED")) return;
  check(error.facts.issues.length > 0, `${what}: the error lists no issue`);
  const lengths = [error.message, ...textsIn(error.facts)].map(({ length }) => length);
  check(Math.max(...lengths) < longest, `${what}: the error repeats all that it was sent`);
}

/** Fails the case when an aborted call threw anything but an error of the registry or the signal's own reason. */
export function expectEndOfAborted(ended: PromiseSettledResult<unknown>): void {
  if (ended.status === "fulfilled") return;
  const reason: unknown = ended.reason;
  const isAbort = reason instanceof Error && (reason.name === "AbortError" || reason.name === "TimeoutError");
  check(isAgentKeysError(reason) || isAbort, `an aborted call threw ${describe(reason)}`);
}

/** A body in a few words. */
export function showBody(body: Json): string {
  return `the body ${JSON.stringify(body).slice(0, 60)}`;
}
