import { AgentKeysError, formatScope, isWithin, parseScope, type IdentityTokenAsk, type Scope } from "@agentkeys/core";
import type { IssuerFacade } from "../facade/issuer.ts";
import type { Grant } from "../store/commands/grants.ts";
import type { IdempotencyRow } from "../store/commands/uses.ts";
import { findPassedLimit, type PassedLimit } from "../store/grant-limits.ts";
import type { Readings } from "../store/readings.ts";
import type { Authenticated } from "./authenticate.ts";
import { assertWithinRights, type RightsInForce } from "./rights.ts";
import { type ResultOf, resultOf } from "./result.ts";

/** What an agent asks for. */
export interface CredentialAsk {
  readonly issuer: string;
  readonly scope: unknown;
  /** Seconds. */
  readonly ttl: number;
  /** What it takes of a grant's budget of units. Default 1. */
  readonly units?: number | undefined;
  /** A grant the agent picks; without it the oldest live one that contains the ask serves. */
  readonly grant?: string | undefined;
}

/** A live grant within its grantor's rights contains the whole ask. */
export type Authorized = ResultOf<
  "authorize",
  {
    readonly by: Authenticated;
    readonly issuer: IssuerFacade;
    readonly scope: Scope;
    readonly scopeText: string;
    readonly ttl: number;
    readonly units: number;
    readonly grant: Grant;
    /** The account's bound wallet, where it has one. */
    readonly wallet: string | undefined;
    readonly policy: string;
    /** The audience of the identity token, and its algorithm, where the issuer needs one. */
    readonly token: ReturnType<IssuerFacade["identityToken"]>;
  }
>;

/** What authorization looks at. */
export interface AuthorizeContext {
  readonly issuers: ReadonlyMap<string, IssuerFacade>;
  readonly readings: Readings;
  readonly rights: RightsInForce;
  readonly publicUrl: string;
  readonly now: () => number;
  walletOf(account: string): Promise<string | undefined>;
}

/** A scope as an issuer means it. */
export interface ParsedScope {
  readonly issuer: IssuerFacade;
  readonly scope: Scope;
  readonly scopeText: string;
}

const parsedAsks = new WeakMap<ReadonlyMap<string, IssuerFacade>, WeakMap<object, ParsedScope>>();

/** Parses the scope of an ask or a grant; of an ask that is frozen, once. Throws ERR_ISSUER_UNKNOWN, ERR_GRANT_SCOPE. */
export function parseScopeFor(
  issuers: ReadonlyMap<string, IssuerFacade>,
  ask: { readonly issuer: string; readonly scope: unknown },
): ParsedScope {
  if (!Object.isFrozen(ask)) return parseNewScope(issuers, ask);
  const known = parsedAsks.get(issuers) ?? new WeakMap<object, ParsedScope>();
  parsedAsks.set(issuers, known);
  const parsed = known.get(ask) ?? parseNewScope(issuers, ask);
  known.set(ask, parsed);
  return parsed;
}

function parseNewScope(
  issuers: ReadonlyMap<string, IssuerFacade>,
  ask: { readonly issuer: string; readonly scope: unknown },
): ParsedScope {
  const issuer = findIssuer(issuers, ask.issuer);
  const scope = issuer.parseScope(parseScope(ask.scope));
  return { issuer, scope, scopeText: formatScope(scope) };
}

/** The issuer of that name. Throws ERR_ISSUER_UNKNOWN. */
export function findIssuer(issuers: ReadonlyMap<string, IssuerFacade>, name: string): IssuerFacade {
  const issuer = issuers.get(name);
  if (issuer === undefined) {
    throw new AgentKeysError("ERR_ISSUER_UNKNOWN", `there is no issuer ${JSON.stringify(name)}`, {
      issuer: name,
      known: [...issuers.keys()],
    });
  }
  return issuer;
}

// An issuer's facade gives the same scope the same ask each time.
const ownAsks = new WeakSet<IdentityTokenAsk>();

/** An audience of another issuer, or of the broker itself in any spelling, is refused. */
function assertOwnAudience(
  context: Pick<AuthorizeContext, "issuers" | "publicUrl">,
  issuer: IssuerFacade,
  ask: IdentityTokenAsk,
): void {
  if (ownAsks.has(ask)) return;
  const { audience } = ask;
  const isOthers = [...context.issuers.values()].some(
    (other) => other !== issuer && other.ownAudiences.includes(audience),
  );
  if (isOthers || isSameHost(audience, context.publicUrl))
    throw new AgentKeysError(
      "ERR_GRANT_AUDIENCE",
      `the audience ${audience} belongs to another issuer or to the broker`,
      { audience },
    );
  ownAsks.add(ask);
}

/** True where both reach one listener: a final dot of a name changes nothing, nor does a scheme that has its port written out. */
function isSameHost(audience: string, publicUrl: string): boolean {
  if (!URL.canParse(audience)) return false;
  const [one, other] = [new URL(audience), new URL(publicUrl)];
  const nameOf = (url: URL): string => url.hostname.replace(/\.$/u, "");
  const portOf = ({ port, protocol }: URL): string => (port === "" ? (protocol === "https:" ? "443" : "80") : port);
  return nameOf(one) === nameOf(other) && (one.port === other.port || portOf(one) === portOf(other));
}

/**
 * What an ask means to its issuer, whoever asks. Throws ERR_ISSUER_UNKNOWN, ERR_GRANT_SCOPE, ERR_ISSUER_TTL, ERR_GRANT_AUDIENCE.
 */
export function readAsk(
  context: Pick<AuthorizeContext, "issuers" | "publicUrl">,
  ask: Pick<CredentialAsk, "issuer" | "scope" | "ttl">,
): ParsedScope & Pick<Authorized, "token"> {
  const parsed = parseScopeFor(context.issuers, ask);
  assertLongEnough(parsed.issuer, ask.ttl);
  const token = parsed.issuer.identityToken(parsed.scope);
  if (token !== undefined) assertOwnAudience(context, parsed.issuer, token);
  return { ...parsed, token };
}

/**
 * Finds the grant that serves the ask and checks it against its grantor's rights of today. `repeated` is the row of a use that
 * was reserved before: its grant serves again, and its use is not counted a second time.
 *
 * Throws ERR_GRANT_DENIED naming the layer, ERR_GRANT_NOT_FOUND, ERR_GRANT_TTL, ERR_GRANT_USED_UP, ERR_GRANT_EXCEEDS_RIGHTS, ERR_ISSUER_TTL.
 */
export async function authorize(
  context: AuthorizeContext,
  by: Authenticated,
  ask: CredentialAsk,
  repeated?: IdempotencyRow,
): Promise<Authorized> {
  const parsed = readAsk(context, ask);
  const grant = findGrant(context, by.agent, parsed, ask, repeated);
  assertWithinRights(context.rights, context.readings, grant.account, {
    issuer: ask.issuer,
    scope: parsed.scope,
    ttl: ask.ttl,
  });
  const wallet = await context.walletOf(grant.account);
  const { ttl, units = 1 } = ask;
  return resultOf("authorize", { by, ...parsed, ttl, units, grant, wallet, policy: context.rights.policy });
}

/** Throws ERR_ISSUER_TTL for a lifetime that the issuer cannot give. */
export function assertLongEnough({ name, shortestTtl }: IssuerFacade, ttl: number): void {
  if (ttl >= shortestTtl) return;
  throw new AgentKeysError("ERR_ISSUER_TTL", `${name} gives no credential for less than ${shortestTtl} s`, {
    minimum: shortestTtl,
  });
}

/** The longest lifetime any credential may have, in seconds: what one request may ask at most. */
export const longestTtl = 24 * 3600;

function findGrant(
  context: AuthorizeContext,
  agent: string,
  parsed: ParsedScope,
  ask: CredentialAsk,
  repeated: IdempotencyRow | undefined,
): Grant {
  const now = context.now();
  const held = context.readings.grantsFor(agent, ask.issuer).filter((grant) => isInTime(grant, now));
  const picked = repeated?.grant ?? ask.grant;
  const live = picked === undefined ? held : held.filter((grant) => grant.id === picked);
  if (live.length === 0 && picked !== undefined)
    throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "there is no live grant of that id", {});
  const containing = live.filter((grant) => isWithin(parsed.scope, scopeOf(grant)));
  if (containing.length === 0) {
    throw new AgentKeysError("ERR_GRANT_DENIED", "no live grant contains this", {
      layer: "grant",
      allowed: live.map((grant) => `${grant.issuer} ${grant.scope}`),
    });
  }
  const lasting = containing.filter((grant) => ask.ttl <= (grant.maxTtl ?? longestTtl));
  if (lasting.length === 0) {
    const maximum = Math.max(...containing.map((grant) => grant.maxTtl ?? longestTtl));
    throw new AgentKeysError("ERR_GRANT_TTL", `the grant allows ${maximum} s`, { maximum });
  }
  const amount = { units: ask.units ?? 1, seconds: ask.ttl };
  const oldest = lasting.find((grant) => repeated !== undefined || findPassedLimit(grant, amount) === undefined);
  if (oldest === undefined) throw usedUp(lasting.flatMap((grant) => findPassedLimit(grant, amount) ?? []));
  return oldest;
}

/** Names a limit under which less could be had, where there is one. */
function usedUp(passed: readonly PassedLimit[]): AgentKeysError {
  const { limit, left } = passed.find((one) => one.left > 0) ?? passed[0] ?? { limit: "uses", left: 0 };
  return new AgentKeysError("ERR_GRANT_USED_UP", `the grant has ${left === 0 ? "no" : `only ${left}`} ${limit} left`, {
    limit,
    left,
  });
}

const parsedScopes = new WeakMap<Grant, Scope>();

/** The scope of a grant's row, parsed once as long as the row is remembered. */
export function scopeOf(grant: Grant): Scope {
  const known = parsedScopes.get(grant);
  if (known !== undefined) return known;
  const scope = parseScope(JSON.parse(grant.scope));
  parsedScopes.set(grant, scope);
  return scope;
}

/** True from `not_before` until `expires_at`. */
export function isInTime(grant: Grant, now: number): boolean {
  return (grant.notBefore === null || grant.notBefore <= now) && (grant.expiresAt === null || grant.expiresAt > now);
}
