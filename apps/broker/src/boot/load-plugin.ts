import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AgentKeysError, apiVersion, isPlugin, type Plugin } from "@agentkeys/core";
import {
  codeOf,
  describeFault,
  importPlugin,
  loading,
  type Module,
  notLoadable,
  resolvePlugin,
  sectionOf,
} from "./find-plugin.ts";
import type { BrokerConfig, SelectedPlugin } from "./read-config.ts";
import { tellIssues } from "./tell-issues.ts";

/** A plug-in that was found, fits, and whose settings its own schema has taken. */
export interface LoadedPlugin {
  readonly selected: SelectedPlugin;
  readonly plugin: Plugin;
  readonly config: unknown;
  readonly version: string;
  /** `sha512-…` over the files of the package, its dependencies apart. */
  readonly integrity: string;
}

/**
 * Loads one plug-in and checks its settings. Throws ERR_PLUGIN_NOT_INSTALLED, ERR_PLUGIN_NOT_LOADABLE, ERR_PLUGIN_INCOMPATIBLE,
 * ERR_CONFIG_INVALID.
 */
export async function loadPlugin(selected: SelectedPlugin, config: BrokerConfig): Promise<LoadedPlugin> {
  const file = resolvePlugin(selected, config);
  const plugin = assertFits(await importPlugin(selected, file), selected);
  const explain = (error: unknown): string => `its config schema threw ${describeFault(error)}`;
  const checked = await loading(selected, "its config schema", explain, () =>
    plugin.config["~standard"].validate(selected.settings),
  );
  if (checked.issues !== undefined) {
    const issues = tellIssues(sectionOf(selected), checked.issues);
    throw new AgentKeysError("ERR_CONFIG_INVALID", issues.join("\n"), { issues });
  }
  return { selected, plugin, config: checked.value, ...describePackage(file, selected) };
}

function assertFits(module: Module, selected: SelectedPlugin): Plugin {
  const { kind, specifier, needs } = selected;
  const found = module["default"];
  const refuse = (is: string, expected: string, hint?: string): AgentKeysError =>
    new AgentKeysError(
      "ERR_PLUGIN_INCOMPATIBLE",
      `${sectionOf(selected)}: ${specifier} is ${is}, but ${expected} is needed${hint === undefined ? "" : `: ${hint}`}`,
      { specifier, found: is, expected },
    );
  if (!isPlugin(found)) throw refuse(`no plug-in (${findWhatIsMissing(module)})`, "what definePlugin gives");
  if (found.apiVersion !== apiVersion) {
    const hint = found.apiVersion > apiVersion ? "install a newer broker" : "install a newer version of the plug-in";
    throw refuse(`made for contract version ${found.apiVersion}`, `version ${apiVersion}`, hint);
  }
  if (found.kind !== kind) {
    const isKnown = ["auth", "wallet", "audit", "issuer"].includes(found.kind);
    const is = `of kind ${found.kind}${isKnown ? "" : ", which is none: it is auth, wallet, audit or issuer"}`;
    throw refuse(is, `kind ${kind}`, isKnown ? `select it in [${found.kind}]` : undefined);
  }
  if (needs !== undefined && !(found.capabilities as readonly string[]).includes(needs)) {
    throw refuse(`without the capability ${needs}`, `the capability ${needs}`);
  }
  if (kind === "issuer") assertIssuerFacts(found as Plugin<"issuer">, refuse);
  if (kind === "auth") assertAuthFacts(found as Plugin<"auth">, refuse);
  return found;
}

const members = { kind: "text", name: "text", apiVersion: "a number", capabilities: "a list", create: "a function" };

/** Why `isPlugin` says no, as its author needs to hear it. */
function findWhatIsMissing(module: Module): string {
  const { default: found, ...named } = module;
  if (found === undefined) {
    const others = Object.keys(named).join(", ");
    return `it has no default export${others === "" ? "" : `, only ${others}`}: write export default definePlugin(…)`;
  }
  if (typeof found !== "object" || found === null) return "its default export is no object";
  if ("default" in found) return 'it is CommonJS: publish ES modules, with "type": "module" in package.json';
  const wrong = Object.entries(members).filter(([name, type]) => {
    const value: unknown = Reflect.get(found, name);
    return type !== (Array.isArray(value) ? "a list" : (names[typeof value] ?? ""));
  });
  const missing = wrong.map(([name, type]) => `${name} (${type})`);
  if (missing.length === 0) return "its default export has no config that is a Standard Schema of version 1";
  return `its default export has no ${missing.join(", ")}`;
}

const names: Readonly<Record<string, string>> = { string: "text", number: "a number", function: "a function" };

function assertIssuerFacts(found: Plugin<"issuer">, refuse: (is: string, expected: string) => AgentKeysError): void {
  const ways = found.capabilities.filter((one) => one === "local" || one === "remote");
  if (ways.length !== 1) throw refuse("neither local nor remote, or both", "exactly one of them");
}

function assertAuthFacts(found: Plugin<"auth">, refuse: (is: string, expected: string) => AgentKeysError): void {
  const types: unknown = found.identityTypes;
  if (!Array.isArray(types) || types.length === 0)
    throw refuse("an auth plug-in without identityTypes", "a list of identity types");
  const flows = found.capabilities.filter((one) => one === "in_band" || one === "out_of_band");
  if (flows.length !== 1) throw refuse("neither in_band nor out_of_band, or both", "exactly one of them");
}

function describePackage(
  file: string,
  selected: SelectedPlugin,
): { readonly version: string; readonly integrity: string } {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        name?: unknown;
        version?: unknown;
      };
      // A nested package.json without a name only sets the module type.
      if (typeof manifest.name !== "string") continue;
      return {
        version: typeof manifest.version === "string" ? manifest.version : "0.0.0",
        integrity: hashPackage(folder),
      };
    } catch (fault) {
      if (codeOf(fault) !== "ENOENT") throw notLoadable(selected, "its package.json cannot be read", fault);
    }
  }
  return { version: "0.0.0", integrity: `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}` };
}

function hashPackage(folder: string): string {
  const digest = createHash("sha512");
  for (const file of filesIn(folder).toSorted()) {
    const bytes = readFileSync(file);
    digest.update(`${file.slice(folder.length)}\0${bytes.length}\0`).update(bytes);
  }
  return `sha512-${digest.digest("base64")}`;
}

/** Own files only: neither what it depends on nor what a link leads to. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesIn(join(folder, entry.name));
    return entry.isFile() ? [join(folder, entry.name)] : [];
  });
}
