import { intersectScopes, type Scope } from "@agentkeys/core";
import { leftOf, type Left } from "../store/grant-limits.ts";
import { isInTime, longestTtl, scopeOf, type AuthorizeContext } from "./authorize.ts";
import { rightsOf } from "./rights.ts";

/** What an agent may ask for under one grant and be given now: anything within the scope, for a lifetime between the two. */
export interface Allowed {
  readonly grant: string;
  readonly issuer: string;
  readonly scope: Scope;
  /** Seconds. */
  readonly minTtl: number;
  readonly maxTtl: number;
  /** What is left of the grant, where it has a limit. */
  readonly left: Left;
}

/**
 * Everything that `authorize` allows an agent now, of an issuer or of all: each grant, as far as one row of its account's rights and one
 * ceiling contain it, with what is left. Where an ask has to be narrower still (no wildcard, an audience), its issuer says so.
 */
export function findAllowed(
  context: Pick<AuthorizeContext, "issuers" | "readings" | "rights" | "now">,
  by: { readonly agent: string; readonly account: string },
  issuer?: string,
): readonly Allowed[] {
  const { issuers, readings, rights: inForce } = context;
  const now = context.now();
  const rights = rightsOf(inForce, readings, by.account);
  return readings.grantsOfAgent(by.agent, now).flatMap((grant) => {
    const minTtl = issuers.get(grant.issuer)?.shortestTtl;
    if (minTtl === undefined || !isInTime(grant, now) || (issuer !== undefined && issuer !== grant.issuer)) return [];
    const left = leftOf(grant);
    if (left.uses === 0 || left.units === 0) return [];
    const own = { scope: scopeOf(grant), maxTtl: Math.min(grant.maxTtl ?? longestTtl, left.seconds ?? longestTtl) };
    const held = rights.filter((row) => row.issuer === grant.issuer);
    const ceilings = inForce.ceilings.filter((row) => row.issuer === grant.issuer);
    const within = narrow([own], held);
    return (ceilings.length === 0 ? within : narrow(within, ceilings))
      .filter(({ maxTtl }) => maxTtl >= minTtl)
      .map((part) => ({ grant: grant.id, issuer: grant.issuer, ...part, minTtl, left }));
  });
}

interface Part {
  readonly scope: Scope;
  readonly maxTtl: number;
}

/** What of each part is within each row; rows are never combined. */
function narrow(
  parts: readonly Part[],
  rows: readonly { readonly scope: Scope; readonly max_ttl: number }[],
): readonly Part[] {
  return parts.flatMap((part) =>
    rows.flatMap((row) => {
      const scope = intersectScopes(part.scope, row.scope);
      return scope === undefined ? [] : [{ scope, maxTtl: Math.min(part.maxTtl, row.max_ttl) }];
    }),
  );
}
