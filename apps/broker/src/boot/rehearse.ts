import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join, normalize } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import { createLogger } from "../ops/logger.ts";
import { createMetrics } from "../ops/metrics.ts";
import { createRegistry } from "../ops/registry.ts";
import { openStore } from "../store/engine-store.ts";
import { createPlugins, type PluginParts } from "./compose.ts";
import type { LoadedPlugin } from "./load-plugin.ts";
import type { BrokerConfig, SelectedPlugin } from "./read-config.ts";

/** A plug-in that was opened, or why it could not be. */
export type Opened = { readonly selected: SelectedPlugin } & (
  | { readonly parts: PluginParts }
  | { readonly fault: unknown }
);

/**
 * Opens plug-ins as a start does, each by itself, on an empty passing folder in place of data_dir, and closes them when `act` is over.
 * Nothing of the broker's own data is read or copied. Throws ERR_CONFIG_FILE where there is no room for the folder.
 */
export async function rehearse<Result>(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
  act: (opened: readonly Opened[]) => Promise<Result>,
): Promise<Result> {
  const folder = await makeFolder();
  const closers: (() => Promise<void> | void)[] = [() => rm(folder, { recursive: true, force: true })];
  // What fails here ends the rehearsal alone, by the call that failed.
  const onFatal = (): void => undefined;
  const logger = createLogger(() => undefined, Date.now, "error");
  try {
    const store = await openStore(join(folder, "broker.db"), { onFatal });
    closers.push(() => store.close());
    const tools = { store, logger, metrics: createMetrics(createRegistry()), onFatal };
    const opened: Opened[] = [];
    for (const one of loaded) {
      const { selected } = one;
      try {
        const parts = await createPlugins({ ...config, dataDirectory: folder }, [one], tools, closers);
        opened.push({ selected, parts });
      } catch (fault) {
        opened.push({ selected, fault });
      }
    }
    return await act(opened);
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), "agentkeys-rehearsal-"));
  } catch (cause) {
    const reason = "no passing folder can be made there: set TMPDIR to a folder that can be written";
    throw new AgentKeysError("ERR_CONFIG_FILE", `${tmpdir()}: ${reason}`, { path: tmpdir(), reason }, { cause });
  }
}

/** True for settings with a path out of the plug-in's folder: opening it would touch the real thing. */
export function namesOtherPlace(settings: object): boolean {
  return Object.values(settings).some((value: unknown) => {
    if (typeof value === "string") return isAbsolute(value) || normalize(value).startsWith("..");
    return typeof value === "object" && value !== null && !isSecret(value) && namesOtherPlace(value);
  });
}

/** `{ file = "…" }` as a value is a secret's file, which is only read. */
function isSecret(value: object): boolean {
  const names = Object.keys(value);
  return names.length === 1 && names[0] === "file";
}
