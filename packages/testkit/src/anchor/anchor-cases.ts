import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import { anchorEvidenceCases } from "./anchor-evidence-cases.ts";
import { anchorFaultCases } from "./anchor-fault-cases.ts";
import type { AnchorFixture } from "./anchor-fixture.ts";
import { anchorPublishCases } from "./anchor-publish-cases.ts";

/** The obligations of an anchor, those of every plug-in among them. */
export const anchorCases: readonly ConformanceCase<AnchorFixture>[] = [
  ...pluginCases,
  ...anchorPublishCases,
  ...anchorEvidenceCases,
  ...anchorFaultCases,
];
