/** The kinds of plug-in, each with what it does. */
export const kinds = {
  auth: "who is this: a way to sign in",
  wallet: "which address is whose",
  audit: "evidence elsewhere that a head of the log was seen (an anchor)",
  issuer: "a short-lived credential for what was authorised",
} as const;

/** One of the kinds. */
export type Kind = keyof typeof kinds;

/** True for the name of a kind. */
export function isKind(text: string): text is Kind {
  return Object.hasOwn(kinds, text);
}

/** Why a text cannot be a plug-in's name, or undefined. It stands in TOML and in URLs, as `[auth.<name>]` and `/v1/auth/<name>`. */
export function findNameFault(text: string): string | undefined {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/u.test(text) && text.length <= 32) return undefined;
  return "a name is 1 to 32 lower-case letters, digits and single hyphens, and begins with a letter";
}

/** Why a text cannot be an npm scope, or undefined. Empty text stands for none. */
export function findScopeFault(text: string): string | undefined {
  if (text === "" || (/^@[a-z0-9-][a-z0-9._-]*$/u.test(text) && text.length <= 64)) return undefined;
  return "a scope is an @ and the name of an npm user or organisation, such as @acme";
}

/** What a plug-in's package is called: `@scope/agentkeys-<kind>-<name>`. */
export function packageName(scope: string, kind: Kind, name: string): string {
  return `${scope === "" ? "" : `${scope}/`}agentkeys-${kind}-${name}`;
}
