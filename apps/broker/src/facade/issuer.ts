import * as v from "valibot";
import {
  formatScope,
  isWithin,
  parseScope,
  type Credential,
  type CredentialIssuer,
  type IdentityTokenAsk,
  type IssueOrder,
  type Readiness,
  type Scope,
} from "@agentkeys/core";
import { BoundedMap } from "../session/bounded-map.ts";
import { json, readiness, type Guard } from "./guard.ts";

/** One issuer as the steps see it. */
export interface IssuerFacade {
  readonly name: string;
  /** It calls out: an intent is recorded before, the result after. */
  readonly isRemote: boolean;
  /** Seconds; 1 where it gives any. */
  readonly shortestTtl: number;
  readonly ownAudiences: readonly string[];
  readonly tokenAlgorithms: readonly IdentityTokenAsk["algorithm"][];
  /** Core's scope as this issuer means it; may only narrow. Throws ERR_GRANT_SCOPE. */
  parseScope(scope: Scope): Scope;
  identityToken(scope: Scope): IdentityTokenAsk | undefined;
  issue(order: IssueOrder, requestId: string): Promise<Credential>;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

const mostScopes = 1000;
/** A longer scope text is asked for each time: what strangers to a grant may ask must not fill the memory. */
const longestRemembered = 1024;

/**
 * Puts the facade before an issuer. Its pure functions are asked once for each scope, of the last 1,000: the answer, copied and
 * checked, serves again.
 */
export function createIssuerFacade(
  name: string,
  issuer: CredentialIssuer,
  isRemote: boolean,
  guard: Guard,
): IssuerFacade {
  const facts = guard.read("create", issuerFacts, issuer);
  const { ownAudiences = [], tokenAlgorithms = ["ES256"], shortestTtl = 1 } = facts;
  const scopes = new BoundedMap<string, Scope>(mostScopes);
  // By the scope itself: those that come out of parseScope are frozen and live as long as they are remembered there.
  const tokens = new WeakMap<Scope, IdentityTokenAsk>();
  return {
    name,
    isRemote,
    shortestTtl,
    ownAudiences,
    tokenAlgorithms,
    parseScope(scope) {
      const text = formatScope(scope);
      const known = scopes.get(text);
      if (known !== undefined) return known;
      const given = guard.runPure("parseScope", () => issuer.parseScope(text));
      const parsed = parseAnswer(given, guard);
      if (!isWithin(parsed, scope)) throw guard.breach("parseScope widened the scope");
      if (text.length <= longestRemembered) scopes.set(text, parsed);
      return parsed;
    },
    identityToken(scope) {
      const known = tokens.get(scope);
      if (known !== undefined) return known;
      const given = guard.runPure("identityToken", () => issuer.identityToken(scope));
      if (given === undefined) return undefined;
      const ask = guard.read("identityToken", tokenAsk, given);
      if (!tokenAlgorithms.includes(ask.algorithm))
        throw guard.breach(`identityToken asks for ${ask.algorithm}, which it does not declare`);
      tokens.set(scope, Object.freeze(ask));
      return ask;
    },
    async issue(order, requestId) {
      const given = await guard.run("issue", requestId, (call) => issuer.issue(order, call));
      const credential = guard.read("issue", credentialForm, given);
      if (!isRemote && credential.id !== order.credentialId)
        throw guard.breach("issue gave a credential of another id");
      if (credential.expiresAt > order.expiresAt) throw guard.breach("the credential outlives what was asked");
      if (credential.expiresAt <= order.issuedAt) throw guard.breach("the credential was over before it began");
      return credential;
    },
    ready: async (requestId) =>
      guard.read("ready", readiness, await guard.run("ready", requestId, (call) => issuer.ready(call))),
    close: () => issuer.close(),
  };
}

const algorithm = v.picklist(["ES256", "RS256"]);
const issuerFacts = v.object({
  ownAudiences: v.optional(v.array(v.string())),
  tokenAlgorithms: v.optional(v.array(algorithm)),
  shortestTtl: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(24 * 3600))),
});
/** A claim of a URL's name can be no registered one, and none that the host writes. */
const claimName = v.pipe(v.string(), v.regex(/^https:\/\/[\x21-\x7e]{1,256}$/u));
const tokenAsk = v.object({
  audience: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  algorithm,
  claims: v.exactOptional(v.record(claimName, json)),
});
const credentialForm = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  value: json,
  expiresAt: v.pipe(v.number(), v.safeInteger()),
});

/** By core's own parser, which copies and sorts; what it refuses is no scope at all. */
function parseAnswer(given: unknown, guard: Guard): Scope {
  try {
    return parseScope(given);
  } catch {
    throw guard.breach("parseScope gave no scope");
  }
}
