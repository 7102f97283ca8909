import type { Grant } from "./commands/grants.ts";

/** What one use takes of its grant: the units that were asked for, and the seconds its credential lives. */
export interface Amount {
  readonly units: number;
  readonly seconds: number;
}

/** What is left of a grant; without a limit of that kind, nothing stands there. */
export interface Left {
  readonly uses?: number;
  readonly units?: number;
  readonly seconds?: number;
}

/** A limit that a use would pass, and what is left of it. */
export interface PassedLimit {
  readonly limit: keyof Left;
  readonly left: number;
}

type Counted = Pick<Grant, "uses" | "maxUses" | "usedUnits" | "budgetUnits" | "usedSeconds" | "budgetSeconds">;

/** True where a use changes what the grant still allows. */
export function isCounted(grant: Pick<Counted, "maxUses" | "budgetUnits" | "budgetSeconds">): boolean {
  return grant.maxUses !== null || grant.budgetUnits !== null || grant.budgetSeconds !== null;
}

/** What is left of a grant. */
export function leftOf(grant: Counted): Left {
  return {
    ...(grant.maxUses === null ? {} : { uses: grant.maxUses - grant.uses }),
    ...(grant.budgetUnits === null ? {} : { units: grant.budgetUnits - grant.usedUnits }),
    ...(grant.budgetSeconds === null ? {} : { seconds: grant.budgetSeconds - grant.usedSeconds }),
  };
}

/** The first limit that a use of this amount would pass; undefined where it fits. */
export function findPassedLimit(grant: Counted, amount: Amount): PassedLimit | undefined {
  const left = leftOf(grant);
  const wanted = { uses: 1, ...amount };
  for (const limit of ["uses", "units", "seconds"] as const) {
    const rest = left[limit];
    if (rest !== undefined && rest < wanted[limit]) return { limit, left: rest };
  }
  return undefined;
}
