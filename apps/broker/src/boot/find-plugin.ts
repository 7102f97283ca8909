import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AgentKeysError } from "@agentkeys/core";
import type { BrokerConfig, SelectedPlugin } from "./read-config.ts";

/** Milliseconds that loading a plug-in may take: its top level, and its schema. */
const longestLoad = 10_000;

/** The named exports that `import` gives of a package. */
export type Module = Readonly<Record<string, unknown>>;

/**
 * The file of a plug-in: from beside the configuration file, else (without a file) from the working directory, then from beside the
 * broker. Throws ERR_PLUGIN_NOT_INSTALLED and, for a package that is there, ERR_PLUGIN_NOT_LOADABLE.
 */
export function resolvePlugin(selected: SelectedPlugin, config: BrokerConfig): string {
  const { specifier } = selected;
  const places = config.hasFile ? [config.origin] : [config.origin, fileURLToPath(import.meta.url)];
  let lastFault: unknown;
  for (const place of places) {
    try {
      return createRequire(place).resolve(specifier);
    } catch (fault) {
      // Installed, but leading to nothing that can be loaded: another mistake than not being there.
      if (codeOf(fault) === "ERR_PACKAGE_PATH_NOT_EXPORTED") throw notLoadable(selected, exportsNothing, fault);
      if (isInstalled(specifier, place)) throw notLoadable(selected, leadsNowhere, fault);
      lastFault = fault;
    }
  }
  const from = dirname(config.origin);
  throw new AgentKeysError(
    "ERR_PLUGIN_NOT_INSTALLED",
    `${sectionOf(selected)}: ${specifier} is not installed in ${from}: run \`npm install --ignore-scripts ${specifier}\` there`,
    { specifier, from },
    { cause: lastFault },
  );
}

const exportsNothing =
  'its package.json exports no `default`: it needs "exports": { ".": { "default": "./dist/index.js" } }, with "types" before "default"';
const leadsNowhere =
  "the file that its package.json leads to (`default` of exports, else main) is not there: was it built before it was packed?";

function isInstalled(specifier: string, place: string): boolean {
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const folders = createRequire(place).resolve.paths(specifier) ?? [];
  return folders.some((folder) => existsSync(join(folder, name, "package.json")));
}

/** Runs the top level of a plug-in's code. Throws ERR_PLUGIN_NOT_LOADABLE. */
export async function importPlugin(selected: SelectedPlugin, file: string): Promise<Module> {
  return loading(
    selected,
    "its code",
    (error) => explainImport(error, file),
    async () => {
      return (await import(pathToFileURL(file).href)) as Module;
    },
  );
}

/** Runs a plug-in's code before it is known to be good: it may throw, or never end. Both are ERR_PLUGIN_NOT_LOADABLE. */
export async function loading<Value>(
  selected: SelectedPlugin,
  what: string,
  explain: (error: unknown) => string,
  work: () => Value | Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const reason = `${what} has not finished after ${longestLoad / 1000} s`;
    timer = setTimeout(() => reject(notLoadable(selected, reason, undefined)), longestLoad);
  });
  const run = async (): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw notLoadable(selected, explain(error), error);
    }
  };
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function explainImport(error: unknown, file: string): string {
  const text = describeFault(error);
  const [, needed] = /^Cannot find package '([^']+)'/u.exec(error instanceof Error ? error.message : "") ?? [];
  if (needed !== undefined) return `it needs ${needed}, which is not installed: is it in the plug-in's dependencies?`;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const [, place] = /(file:\/\/[^\s)]+?:\d+(?::\d+)?)/u.exec(stack) ?? [];
  const folder = pathToFileURL(dirname(dirname(file))).href;
  return place === undefined ? text : `${text} (in ${place.replace(`${folder}/`, "")})`;
}

/** What was thrown, in one line. */
export function describeFault(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The error of a plug-in that is there and cannot be used. */
export function notLoadable(selected: SelectedPlugin, reason: string, cause: unknown): AgentKeysError {
  const { specifier } = selected;
  return new AgentKeysError(
    "ERR_PLUGIN_NOT_LOADABLE",
    `${sectionOf(selected)}: ${specifier} is installed but cannot be loaded: ${reason}`,
    { specifier, reason },
    { cause },
  );
}

/** `auth.badge`, as it stands in the file. */
export function sectionOf({ kind, name }: SelectedPlugin): string {
  return `${kind}.${name}`;
}

/** The system's name of what went wrong. */
export function codeOf(fault: unknown): string | undefined {
  return fault instanceof Error && "code" in fault && typeof fault.code === "string" ? fault.code : undefined;
}
