import type { Command } from "commander";
import { collect } from "./options.ts";

/** The options of {@link addScopeOptions}. */
export interface ScopeOptions {
  readonly issuer: string;
  readonly action: readonly string[];
  readonly resource: readonly string[];
}

/** Adds the options that name a scope. */
export function addScopeOptions(command: Command): Command {
  return command
    .option("--issuer <name>", "who makes the credential", "oidc")
    .option("--action <action>", "what may be done; may be repeated; default token", collect)
    .requiredOption("--resource <resource>", "to what, e.g. an audience's URL; may be repeated", collect);
}

/** The scope of {@link addScopeOptions}' options. */
export function scopeOf({ action, resource }: Partial<ScopeOptions>) {
  return { actions: action ?? ["token"], resources: resource ?? [] };
}
