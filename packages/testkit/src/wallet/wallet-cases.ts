import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import type { WalletFixture } from "./wallet-fixture.ts";

/** The obligations of the kind, those of every plug-in among them. */
export const walletCases: readonly ConformanceCase<WalletFixture>[] = [...pluginCases];
