import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { LogFixture } from "./log-fixture.ts";

/** The obligations of the kind, those of every plug-in among them. */
export const logCases: readonly ConformanceCase<LogFixture>[] = [...pluginCases];
