import type { Holder } from "@agentkeys/log";

/** The holder of JSON text: exactly agent, scope, credential and validity [from or null, to]. Throws an Error that says what is wrong. */
export function parseHolder(text: string): Holder {
  const members = parseObject(text);
  const { agent, scope, credential, validity } = members;
  const named = Object.keys(members).toSorted().join() === "agent,credential,scope,validity";
  if (!named || typeof agent !== "string" || typeof scope !== "string" || typeof credential !== "string") {
    throw new Error("the holder's members are agent, scope and credential (text) and validity");
  }
  const [from, to, ...more] = Array.isArray(validity) ? (validity as unknown[]) : [];
  if (!isSeconds(to) || !(from === null || isSeconds(from)) || more.length > 0) {
    throw new Error("the holder's validity is [from or null, to] in Unix seconds");
  }
  return { agent, scope, credential, validity: [from ?? undefined, to] };
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error("the holder is not JSON", { cause: error });
  }
  if (typeof value !== "object" || value === null) throw new Error("the holder is not a JSON object");
  return value as Record<string, unknown>;
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
