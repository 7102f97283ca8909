import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import { logAppendCases } from "./log-append-cases.ts";
import type { LogFixture } from "./log-fixture.ts";
import { logProofCases } from "./log-proof-cases.ts";
import { logReadCases } from "./log-read-cases.ts";
import { logUpkeepCases } from "./log-upkeep-cases.ts";

/** The obligations of a log, those of every plug-in among them. */
export const logCases: readonly ConformanceCase<LogFixture>[] = [
  ...pluginCases,
  ...logAppendCases,
  ...logProofCases,
  ...logReadCases,
  ...logUpkeepCases,
];
