import type { Command } from "commander";
import { formatInstant } from "../table.ts";
import { parsePositive, parseSeconds, parseSecondsOrDuration } from "./options.ts";

/** What a person limits a grant by. */
export interface LimitOptions {
  readonly maxTtl?: number;
  readonly maxUses?: number;
  readonly expires?: number;
  readonly budgetUnits?: number;
  readonly budgetSeconds?: number;
}

/** Adds the options that limit a grant. */
export function addLimitOptions(command: Command, otherwise = ""): Command {
  return command
    .option("--max-ttl <duration>", `longest life of a credential, e.g. 10m${otherwise}`, parseSeconds)
    .option("--max-uses <count>", "how many credentials in all", parsePositive)
    .option("--expires <duration>", "when the grant ends, from now, e.g. 30d", parseSeconds)
    .option("--budget-units <count>", "what the units of all asks may add up to", parsePositive)
    .option("--budget-seconds <time>", "what the lives of all credentials may add up to", parseSecondsOrDuration);
}

/** The constraints of {@link addLimitOptions}' options. */
export function constraintsOf({ maxTtl, maxUses, expires, budgetUnits, budgetSeconds }: LimitOptions) {
  const budget = {
    ...(budgetUnits === undefined ? {} : { units: budgetUnits }),
    ...(budgetSeconds === undefined ? {} : { seconds: budgetSeconds }),
  };
  return {
    ...(maxTtl === undefined ? {} : { max_ttl: maxTtl }),
    ...(maxUses === undefined ? {} : { max_uses: maxUses }),
    ...(expires === undefined ? {} : { expires_at: formatInstant(Date.now() + expires * 1000) }),
    ...(Object.keys(budget).length === 0 ? {} : { budget }),
  };
}
