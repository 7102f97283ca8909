import type { Json } from "@agentkeys/core";
import { instant } from "../json/instant.ts";
import type { Grant } from "../store/commands/grants.ts";

/** A grant as its owner and its agent see it. */
export function grantJson(grant: Grant): Record<string, Json> {
  const { budgetUnits, budgetSeconds, usedUnits, usedSeconds } = grant;
  const counts = [
    ...(budgetUnits === null ? [] : [["units", budgetUnits, usedUnits] as const]),
    ...(budgetSeconds === null ? [] : [["seconds", budgetSeconds, usedSeconds] as const]),
  ];
  const budgets = Object.fromEntries(counts.map(([unit, most]) => [unit, most]));
  const used = Object.fromEntries(counts.map(([unit, , count]) => [unit, count]));
  const constraint = {
    ...(grant.maxUses === null ? {} : { max_uses: grant.maxUses }),
    ...(grant.maxTtl === null ? {} : { max_ttl: grant.maxTtl }),
    ...(grant.notBefore === null ? {} : { not_before: instant(grant.notBefore) }),
    ...(grant.expiresAt === null ? {} : { expires_at: instant(grant.expiresAt) }),
    ...(counts.length === 0 ? {} : { budget: budgets }),
  };
  return {
    id: grant.id,
    agent: grant.agent,
    issuer: grant.issuer,
    scope: JSON.parse(grant.scope) as Json,
    delivery: grant.delivery,
    constraints: constraint,
    uses: grant.uses,
    ...(counts.length === 0 ? {} : { used }),
    created_at: instant(grant.createdAt),
    ...(grant.revokedAt === null ? {} : { revoked_at: instant(grant.revokedAt) }),
  };
}
