import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { AuthFixture } from "./auth-fixture.ts";

/** The obligations of the kind, those of every plug-in among them. */
export const authCases: readonly ConformanceCase<AuthFixture>[] = [...pluginCases];
