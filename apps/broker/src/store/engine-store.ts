import type { commands } from "./commands.ts";
import { openEngine, type Engine, type EngineOptions } from "./engine.ts";

/** The broker's own database: every command of `commands.ts`, by name and fully typed. */
export type Store = Engine<typeof commands>;

/** What a mint writes: none of it changes what is remembered of sessions, accounts and grants. */
const uncounted: readonly (keyof typeof commands)[] = ["reserveUse", "isUseLive", "closeIntent"];

/**
 * Opens the broker's database file, or makes it. Throws ERR_CONFIG_INVALID when it cannot be used.
 *
 * @example
 * const store = await openStore(join(dataDirectory, "broker.db"), { onFatal: () => process.exit(70) });
 * await store.write("putValue", { namespace: "auth.email", key, value: "1", expiresAt: null });
 */
export function openStore(file: string, options: Pick<EngineOptions, "onFatal">): Promise<Store> {
  const isSource = import.meta.url.endsWith(".ts");
  const definition = new URL(isSource ? "./commands.ts" : "./commands.js", import.meta.url);
  return openEngine(file, definition, { ...options, uncounted });
}
