import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { AuthFixture } from "./auth-fixture.ts";
import { authInputCases } from "./auth-input-cases.ts";
import { authPageCases } from "./auth-page-cases.ts";
import { authProofCases } from "./auth-proof-cases.ts";

/** The obligations of an auth method, those of every plug-in among them. */
export const authCases: readonly ConformanceCase<AuthFixture>[] = [
  ...pluginCases,
  ...authProofCases,
  ...authInputCases,
  ...authPageCases,
];
