import * as v from "valibot";
import { AgentKeysError, type Json } from "@agentkeys/core";
import { readJson } from "./body.ts";

/** A body that is an object of which only a plug-in can check more. */
export async function readObject(request: Request): Promise<Readonly<Record<string, Json>>> {
  return (await readJson(request, v.record(v.string(), v.unknown()))) as Readonly<Record<string, Json>>;
}

/** A short text of such a body, where it is there. Throws ERR_REQUEST_MALFORMED. */
export function optionalText(name: string, value: Json | undefined, most: number): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value.length === 0 || value.length > most || /\p{Cc}/u.test(value))
    throw malformed(`${name}: expected a text of 1 to ${most} characters`);
  return value;
}

/** The error of one member. */
export function malformed(issue: string): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issue, { issues: [issue] });
}
