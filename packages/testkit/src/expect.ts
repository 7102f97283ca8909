import { isAgentKeysError, type AgentKeysError, type ErrorCode } from "@agentkeys/core";

/** Fails the case unless the condition holds. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`conformance: ${what}`);
}

/** The AgentKeysError of one of these codes that `work` must reject with; anything else fails the case. */
export async function expectRefusal(
  work: Promise<unknown>,
  codes: readonly ErrorCode[],
  what: string,
): Promise<AgentKeysError> {
  const [result] = await Promise.allSettled([work]);
  check(result?.status === "rejected", `${what}: it was taken, not refused with ${codes.join(" or ")}`);
  const error: unknown = result.reason;
  check(isAgentKeysError(error), `${what}: it threw ${describe(error)}, not an AgentKeysError`);
  check(codes.includes(error.code), `${what}: it was refused with ${error.code}, not ${codes.join(" or ")}`);
  return error;
}

/** How `work` ends, which must be within `milliseconds` of real time. */
export async function expectEnd<Value>(
  work: Promise<Value>,
  what: string,
  milliseconds = 2000,
): Promise<PromiseSettledResult<Value>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), milliseconds);
  });
  const ended = await Promise.race([Promise.allSettled([work]), late]);
  clearTimeout(timer);
  check(ended !== "late", `${what} has not ended after ${milliseconds} ms`);
  return ended[0];
}

/** An error in one line, with its code where it has one. */
export function describe(error: unknown): string {
  if (isAgentKeysError(error)) return `${error.code} (${error.message})`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** True for JSON data that comes back the same from its text: no undefined, no Date, no bytes, no number that is not finite. */
export function isPlainJson(value: unknown): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  return isPlain && Object.values(value).every((member) => isPlainJson(member));
}

/** True for two values that are the same JSON, the order of members aside. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return sortedText(one) === sortedText(other);
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );
}
