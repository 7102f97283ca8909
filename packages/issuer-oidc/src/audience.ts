import { AgentKeysError, findScopeTextFault, parseScope, type Scope } from "@agentkeys/core";

// Lower-case scheme, then characters of RFC 3986 section 2; core refuses percent-escapes.
const uri = /^[a-z][a-z0-9+.-]*:[\w.~:/?#[\]@!$&'()+,;=-]+$/u;

/**
 * Why a text is neither an audience nor a pattern of audiences, or undefined. An audience is a name, or, where it holds a colon, a URI
 * (`StringOrURI`, RFC 7519 section 2); it holds no white space and nothing invisible. An http or https URL stands in its canonical
 * spelling (WHATWG URL; the final slash of an empty path may be left out), without user name and fragment, so that nobody who
 * normalises URLs reads it as another one. A pattern ends in a single `*` after `/` or `:`.
 */
export function findAudienceFault(text: string): string | undefined {
  const fault = findScopeTextFault(text);
  if (fault !== undefined) return fault;
  if (/[\p{White_Space}\p{Cf}]/u.test(text)) return "it holds white space or an invisible character";
  // What a pattern contains is spelt like this one, a letter in place of the star.
  const sample = isPattern(text) ? `${text.slice(0, -1)}x` : text;
  if (sample.includes("*")) return "a * may stand only at the end, after / or :";
  if (!sample.includes(":")) return undefined;
  if (!uri.test(sample)) return "it holds a colon but is no URI";
  return /^https?:/u.test(sample) ? findUrlFault(sample) : undefined;
}

function findUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return "it is no URL";
  const url = new URL(text);
  if (url.href !== text && url.href !== `${text}/`) return `it is not in its canonical spelling, ${url.href}`;
  if (url.username !== "" || url.password !== "") return "it holds a user name or a password";
  return text.includes("#") ? "it holds a fragment" : undefined;
}

/** True for text that stands for every audience with its beginning, as core's scopes do. */
function isPattern(text: string): boolean {
  return text.endsWith("/*") || text.endsWith(":*");
}

/** A scope as it stands here: actions exactly `token`, resources one audience or pattern. Throws ERR_GRANT_SCOPE. */
export function parseAudienceScope(value: unknown): Scope {
  const scope = parseScope(value);
  const [audience = "", ...others] = scope.resources;
  if (scope.actions.length !== 1 || scope.actions[0] !== "token") throw refuse('actions are exactly ["token"]');
  if (others.length > 0) throw refuse("resources are exactly one audience");
  const fault = findAudienceFault(audience);
  if (fault !== undefined) throw refuse(`resources[0] is no audience: ${fault}`);
  return scope;
}

/** The one audience that a credential is asked for. Throws ERR_GRANT_SCOPE also for a pattern: nobody is many audiences. */
export function audienceOf(value: Scope): string {
  const [audience = ""] = parseAudienceScope(value).resources;
  if (isPattern(audience)) throw refuse("a credential is for one audience, not for a pattern");
  return audience;
}

/** The error of a scope that cannot be granted or issued. */
export function refuse(reason: string): AgentKeysError<"ERR_GRANT_SCOPE"> {
  return new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
}
