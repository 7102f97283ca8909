import { AgentKeysError } from "./errors.ts";

/** What may be done to what. Both lists are sorted by UTF-16 code units, unique and not empty of meaning. */
export interface Scope {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

const mostItems = 100;
const mostCharacters = 1024;

// White_Space of Unicode, which is wider than what String.prototype.trim knows (U+0085) and narrower (U+FEFF is not in it).
const edgeSpace = /^\p{White_Space}|\p{White_Space}$/u;

/**
 * Why a scope text is refused, or undefined when it is well formed: empty, over 1,024 characters, control characters, lone
 * surrogates, White_Space at an end, not NFC, `%` before two hex digits, a segment `.` or `..` between `/`.
 */
export function findScopeTextFault(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (text.length > mostCharacters) return `it is longer than ${mostCharacters} characters`;
  if (/\p{Cc}/u.test(text)) return "it holds a control character";
  if (!text.isWellFormed()) return "it is not well-formed Unicode";
  if (edgeSpace.test(text)) return "it begins or ends with white space";
  if (text.normalize("NFC") !== text) return "it is not in Unicode normal form C";
  if (/%[0-9a-f]{2}/iu.test(text)) return "it holds a percent-escape";
  if (text.split("/").some((segment) => segment === "." || segment === "..")) return "it holds a dot segment";
  return undefined;
}

/**
 * Parses a scope from JSON: an object of exactly `actions` and `resources`, each a list of 1 to 100 well-formed texts. Sorts and
 * removes repetitions. Throws ERR_GRANT_SCOPE.
 */
export function parseScope(value: unknown): Scope {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refuse("a scope is an object {actions, resources}");
  const unknown = Object.keys(value).find((key) => key !== "actions" && key !== "resources");
  if (unknown !== undefined) throw refuse(`a scope has no member ${JSON.stringify(unknown)}`);
  const { actions, resources } = value as { actions?: unknown; resources?: unknown };
  return Object.freeze({ actions: parseList("actions", actions), resources: parseList("resources", resources) });
}

function parseList(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostItems) {
    throw refuse(`${name} is a list of 1 to ${mostItems} texts`);
  }
  for (const [index, item] of value.entries()) {
    const fault = typeof item === "string" ? findScopeTextFault(item) : "it is not a text";
    if (fault !== undefined) throw refuse(`${name}[${index}]: ${fault}`);
  }
  return Object.freeze(sortUnique(value as string[]));
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
}

/**
 * The canonical text of a scope: the object by RFC 8785 with both lists sorted by UTF-16 code units and unique.
 *
 * @example formatScope({ actions: ["token"], resources: ["https://api.example.com"] })
 * // {"actions":["token"],"resources":["https://api.example.com"]}
 */
export function formatScope(scope: Scope): string {
  // Keys are in order and strings need no other escapes than JSON.stringify's: that is RFC 8785 for this shape.
  return JSON.stringify({ actions: sortUnique(scope.actions), resources: sortUnique(scope.resources) });
}

/** Sorted by UTF-16 code units, as RFC 8785 sorts. */
function sortUnique(items: readonly string[]): string[] {
  return [...new Set(items)].toSorted();
}

/**
 * True when everything asked is granted: each asked item equals a granted one, or a granted one ends in a single `*` after a
 * separator (`/` or `:`) and, without the `*`, is a proper prefix of it. An empty list on either side is not within.
 */
export function isWithin(asked: Scope, granted: Scope): boolean {
  return isListWithin(asked.actions, granted.actions) && isListWithin(asked.resources, granted.resources);
}

function isListWithin(asked: readonly string[], granted: readonly string[]): boolean {
  return asked.length > 0 && asked.every((item) => granted.some((pattern) => isItemWithin(item, pattern)));
}

/**
 * What lies within both: any scope of one action and one resource is within the result exactly when it is within the two. Undefined
 * where nothing is.
 *
 * @example intersectScopes({ actions: ["get"], resources: ["a/*"] }, { actions: ["get", "put"], resources: ["a/b/*"] })
 * // {actions: ["get"], resources: ["a/b/*"]}
 */
export function intersectScopes(one: Scope, other: Scope): Scope | undefined {
  const actions = intersectLists(one.actions, other.actions);
  const resources = intersectLists(one.resources, other.resources);
  return actions.length === 0 || resources.length === 0 ? undefined : { actions, resources };
}

/** Of two patterns either one is within the other, or they have nothing in common. */
function intersectLists(one: readonly string[], other: readonly string[]): readonly string[] {
  return sortUnique([
    ...one.filter((item) => isListWithin([item], other)),
    ...other.filter((item) => isListWithin([item], one)),
  ]);
}

function isItemWithin(item: string, pattern: string): boolean {
  if (item === pattern) return true;
  const isStar = pattern.endsWith("/*") || pattern.endsWith(":*");
  // One character more than the prefix: the prefix itself is not below it, and "a/" (length of "a/*" - 1) is not within "a/*".
  return isStar && item.length >= pattern.length && item.startsWith(pattern.slice(0, -1));
}
