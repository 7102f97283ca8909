import type { Json } from "@agentkeys/core";

const deepest = 32;

/**
 * JSON (RFC 8259) read so that no two readers can understand it differently (I-JSON, RFC 7493): no member twice, no `__proto__`, no
 * lone surrogate, no number beyond a double, at most 32 levels. Throws SyntaxError that says what is wrong and quotes nothing.
 *
 * @example parseJson('{"a":1,"a":2}') // SyntaxError: a member stands there twice
 */
export function parseJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new SyntaxError("it is not JSON");
  }
  // JSON.parse keeps the last of two equal members: then the value has fewer members than the text has colons.
  if (checkValue(value, 1) !== countMembers(text)) throw new SyntaxError("a member stands there twice");
  return value;
}

/** A JSON object. */
export type JsonObject = { readonly [member: string]: Json };

/** {@link parseJson} of text that is an object. A list is none, though its members could be looked up like one's. */
export function parseJsonObject(text: string): JsonObject {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || isList(value)) throw new SyntaxError("it is not an object");
  return value;
}

/** Refuses what {@link parseJson} refuses in a value; answers how many members it has at all levels. */
function checkValue(value: Json, depth: number): number {
  if (typeof value === "string") return checkText(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw new SyntaxError("a number is too large");
  if (typeof value !== "object" || value === null) return 0;
  if (depth > deepest) throw new SyntaxError(`it is deeper than ${deepest} levels`);
  let count = 0;
  if (isList(value)) {
    for (const item of value) count += checkValue(item, depth + 1);
    return count;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw new SyntaxError("it has a member __proto__");
    count += 1 + checkText(key) + checkValue(value[key] as Json, depth + 1);
  }
  return count;
}

function checkText(text: string): 0 {
  if (!text.isWellFormed()) throw new SyntaxError("a text is not well-formed Unicode");
  return 0;
}

// Array.isArray does not narrow a readonly list.
function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/** The colons outside strings of a text that is JSON: one a member. */
function countMembers(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === colon) count++;
    if (character !== quote) continue;
    for (at++; text.charCodeAt(at) !== quote; at++) if (text.charCodeAt(at) === backslash) at++;
  }
  return count;
}
