import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { AnchorFixture } from "./anchor-fixture.ts";

/** The obligations of the kind, those of every plug-in among them. */
export const anchorCases: readonly ConformanceCase<AnchorFixture>[] = [...pluginCases];
