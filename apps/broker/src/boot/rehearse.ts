import { join } from "node:path";
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
 * Opens plug-ins as a start does, each by itself, on a folder that stands in for data_dir, and closes them when `act` is over. The
 * broker's own data is not touched; the folder is the caller's to throw away.
 */
export async function rehearse<Result>(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
  folder: string,
  act: (opened: readonly Opened[]) => Promise<Result>,
): Promise<Result> {
  // What fails here ends the rehearsal alone, by the call that failed.
  const onFatal = (): void => undefined;
  const logger = createLogger(() => undefined, Date.now, "error");
  const store = await openStore(join(folder, "broker.db"), { onFatal });
  const closers: (() => Promise<void> | void)[] = [() => store.close()];
  try {
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
