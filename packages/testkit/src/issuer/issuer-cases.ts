import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { IssuerFixture } from "./issuer-fixture.ts";
import { issuerIssueCases } from "./issuer-issue-cases.ts";
import { issuerScopeCases } from "./issuer-scope-cases.ts";

/** The obligations of an issuer, those of every plug-in among them. */
export const issuerCases: readonly ConformanceCase<IssuerFixture>[] = [
  ...pluginCases,
  ...issuerScopeCases,
  ...issuerIssueCases,
];
