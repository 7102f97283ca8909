import { AgentKeysError, type Json } from "@agentkeys/core";
import * as v from "valibot";

/** Parses a body as a reference subject does: what is wrong is said without repeating it. */
export function parse<Shape>(shape: v.GenericSchema<unknown, Shape>, value: Json): Shape {
  const parsed = v.safeParse(shape, value);
  if (parsed.success) return parsed.output;
  const issues = parsed.issues.map((issue) => {
    const place = v.getDotPath(issue) ?? "(root)";
    return `${place.slice(0, 100)}: expected ${(issue.expected ?? "less").slice(0, 100)}`;
  });
  throw new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; ").slice(0, 500), { issues });
}

/** Asks whether a subject has a flaw. A reference has none. */
export type HasFlaw = (name: string) => boolean;

/** Never ends. */
export async function forever(): Promise<never> {
  return Promise.withResolvers<never>().promise;
}

/** Lets other work go on, so that a flaw that is a race shows. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
