import type { PluginFixture } from "../plugin-fixture.ts";

/**
 * An audit plug-in of capability `log` under test. The kit makes the events and opens the log several times over one data
 * directory, so the plug-in and its section are all it needs.
 *
 * @example
 * registerConformance({ it }, logCases, async () => ({ plugin: sqlite, config: {} }));
 */
export type LogFixture = PluginFixture<"audit">;
