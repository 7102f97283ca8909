import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { IssuerFixture } from "./issuer-fixture.ts";

/** The obligations of the kind, those of every plug-in among them. */
export const issuerCases: readonly ConformanceCase<IssuerFixture>[] = [...pluginCases];
