import type { PluginFixture } from "./plugin-fixture.ts";
import type { ConformanceCase } from "./conformance.ts";

/** The obligations of every kind of plug-in. They are part of each kind's list. */
export const pluginCases: readonly ConformanceCase<PluginFixture>[] = [];
