import { AgentKeysError } from "@agentkeys/core";
import type { IssuerFacade } from "../facade/issuer.ts";
import type { Ceiling } from "../steps/rights.ts";
import type { BrokerConfig } from "./read-config.ts";

/**
 * Refuses `[[rights]]` and `[[ceiling]]` rows whose issuer takes no scope within them: a right that can never be used is a mistake in the
 * file. Throws ERR_CONFIG_INVALID that names each.
 */
export function assertServableRights(config: BrokerConfig, issuers: ReadonlyMap<string, IssuerFacade>): void {
  const find = (rows: readonly Ceiling[], table: string): string[] =>
    rows.flatMap((row, at) => {
      const issuer = issuers.get(row.issuer);
      if (issuer === undefined || isServable(row, issuer)) return [];
      return [`${table}.${at}.scope: the issuer ${row.issuer} takes no scope of these actions and resources`];
    });
  const issues = [...find(config.rights, "rights"), ...find(config.ceilings, "ceiling")];
  if (issues.length > 0) throw new AgentKeysError("ERR_CONFIG_INVALID", issues.join("\n"), { issues });
}

/** One resource of it is enough, with all of the actions or with one: an ask names what it wants. */
function isServable({ scope: { actions, resources } }: Ceiling, issuer: IssuerFacade): boolean {
  const choices = [actions, ...actions.map((action) => [action])];
  return resources.some((resource) =>
    choices.some((some) => {
      try {
        issuer.parseScope({ actions: some, resources: [resource] });
        return true;
      } catch {
        return false;
      }
    }),
  );
}
