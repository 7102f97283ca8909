import { parseArgs } from "node:util";
import { findNameFault, findScopeFault, isKind, type Kind, kinds } from "./naming.ts";

/** What the command line says. What is undefined is asked for, where somebody can be asked. */
export interface Options {
  readonly isHelp: boolean;
  readonly isVersion: boolean;
  /** Ask nothing. */
  readonly isYes: boolean;
  readonly kind: Kind | undefined;
  readonly name: string | undefined;
  readonly scope: string | undefined;
  readonly folder: string | undefined;
}

/** Called wrongly. */
export class UsageError extends Error {}

const kindList = Object.entries(kinds).map(([kind, does]) => `      ${kind.padEnd(8)} ${does}`);

/** What `--help` shows. */
export const help: string = [
  "Begins an AgentKeys plug-in that builds, tests and keeps its contract as it is.",
  "",
  "  npm create agentkeys-plugin                                              asks what it needs to know",
  "  npm create --yes agentkeys-plugin -- --kind auth --name badge --scope @acme  asks nothing (the first --yes is npm's)",
  "",
  "  create-agentkeys-plugin [folder]     default: agentkeys-<kind>-<name>; never one that is there",
  "    --kind <kind>",
  ...kindList,
  "    --name <name>     short and lower-case, such as badge: [auth.badge] in an operator's file",
  "    --scope <scope>   your npm scope, such as @acme; without it the package has none",
  "    --yes, -y         ask nothing: --kind and --name must be given, --scope may be",
  "    --version         of this program",
  "    --help, -h        this",
  "",
  "Exit codes: 0 done · 1 the folder is there or cannot be made · 2 called wrongly · 78 Node.js is too old · 130 stopped",
  "",
].join("\n");

const known = {
  kind: { type: "string" },
  name: { type: "string" },
  scope: { type: "string" },
  yes: { type: "boolean", short: "y" },
  version: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads a command line. Throws {@link UsageError}. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = readArguments(args);
  const [folder, ...others] = positionals;
  const { kind, name, scope } = values;
  if (others.length > 0) throw new UsageError(`one folder, not ${positionals.length}`);
  if (kind !== undefined && !isKind(kind))
    throw new UsageError(`--kind ${kind}: a kind is ${Object.keys(kinds).join(", ")}`);
  const fault = (name === undefined ? undefined : findNameFault(name)) ?? findScopeFault(scope ?? "");
  if (fault !== undefined) throw new UsageError(fault);
  const [isHelp, isVersion, isYes] = [values.help ?? false, values.version ?? false, values.yes ?? false];
  return { isHelp, isVersion, isYes, kind, name, scope, folder };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: known, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\nSee --help.`);
  }
}
