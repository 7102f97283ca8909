import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AgentKeysError, apiVersion, isPlugin, type Plugin } from "@agentkeys/core";
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
 * Loads one plug-in from the operator's folder: from beside the configuration file, else (without a file) from the working
 * directory, then from beside the broker. Throws ERR_PLUGIN_NOT_INSTALLED, ERR_PLUGIN_NOT_LOADABLE, ERR_PLUGIN_INCOMPATIBLE,
 * ERR_CONFIG_INVALID.
 */
export async function loadPlugin(selected: SelectedPlugin, config: BrokerConfig): Promise<LoadedPlugin> {
  const file = resolvePlugin(selected.specifier, config);
  const found = await importPlugin(selected.specifier, file);
  const plugin = assertFits(found, selected);
  const checked = await plugin.config["~standard"].validate(selected.settings);
  if (checked.issues !== undefined) {
    const issues = tellIssues(`${selected.kind}.${selected.name}`, checked.issues);
    throw new AgentKeysError("ERR_CONFIG_INVALID", issues.join("\n"), { issues });
  }
  return { selected, plugin, config: checked.value, ...describePackage(file, selected.specifier) };
}

function resolvePlugin(specifier: string, config: BrokerConfig): string {
  const places = config.hasFile ? [config.origin] : [config.origin, fileURLToPath(import.meta.url)];
  let lastFault: unknown;
  for (const place of places) {
    try {
      return createRequire(place).resolve(specifier);
    } catch (fault) {
      // Installed, but its package.json exports nothing that can be loaded: another mistake than not being there.
      if (codeOf(fault) === "ERR_PACKAGE_PATH_NOT_EXPORTED")
        throw notLoadable(specifier, "its package.json exports no `default`", fault);
      lastFault = fault;
    }
  }
  const from = dirname(config.origin);
  throw new AgentKeysError(
    "ERR_PLUGIN_NOT_INSTALLED",
    `${specifier} is not installed in ${from}: run \`npm install ${specifier}\` there`,
    { specifier, from },
    { cause: lastFault },
  );
}

async function importPlugin(specifier: string, file: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    return module.default;
  } catch (cause) {
    throw notLoadable(specifier, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function assertFits(found: unknown, { kind, name, specifier, needs }: SelectedPlugin): Plugin {
  const refuse = (is: string, expected: string): AgentKeysError =>
    new AgentKeysError("ERR_PLUGIN_INCOMPATIBLE", `${kind}.${name}: ${specifier} is ${is}, but ${expected} is needed`, {
      specifier,
      found: is,
      expected,
    });
  if (!isPlugin(found)) throw refuse("no plug-in (its default export was not made by definePlugin)", "a plug-in");
  if (found.apiVersion !== apiVersion)
    throw refuse(`made for contract version ${found.apiVersion}`, `version ${apiVersion}`);
  if (found.kind !== kind) throw refuse(`of kind ${found.kind}`, `kind ${kind}`);
  if (needs !== undefined && !(found.capabilities as readonly string[]).includes(needs)) {
    throw refuse(`without the capability ${needs}`, `the capability ${needs}`);
  }
  if (kind === "issuer" && !(found.capabilities as readonly string[]).includes("local")) {
    throw refuse("an issuer that calls out", "a local signer (capability local)");
  }
  if (kind === "auth") assertAuthFacts(found as Plugin<"auth">, refuse);
  return found;
}

function assertAuthFacts(found: Plugin<"auth">, refuse: (is: string, expected: string) => AgentKeysError): void {
  const types: unknown = found.identityTypes;
  if (!Array.isArray(types) || types.length === 0)
    throw refuse("an auth plug-in without identityTypes", "a list of identity types");
  const flows = found.capabilities.filter((one) => one === "in_band" || one === "out_of_band");
  if (flows.length !== 1) throw refuse("neither in_band nor out_of_band, or both", "exactly one of them");
}

function describePackage(file: string, specifier: string): { readonly version: string; readonly integrity: string } {
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
      if (codeOf(fault) !== "ENOENT") throw notLoadable(specifier, "its package.json cannot be read", fault);
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

function notLoadable(specifier: string, reason: string, cause: unknown): AgentKeysError {
  return new AgentKeysError(
    "ERR_PLUGIN_NOT_LOADABLE",
    `${specifier} is installed but cannot be loaded: ${reason}`,
    { specifier, reason },
    { cause },
  );
}

function codeOf(fault: unknown): string | undefined {
  return fault instanceof Error && "code" in fault && typeof fault.code === "string" ? fault.code : undefined;
}
