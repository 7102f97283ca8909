import type { ConformanceCase } from "../conformance.ts";
import { pluginCases } from "../plugin-cases.ts";
import { walletBindingCases } from "./wallet-binding-cases.ts";
import type { WalletFixture } from "./wallet-fixture.ts";
import { walletInputCases } from "./wallet-input-cases.ts";

/** The obligations of a wallet provisioner, those of every plug-in among them. */
export const walletCases: readonly ConformanceCase<WalletFixture>[] = [
  ...pluginCases,
  ...walletBindingCases,
  ...walletInputCases,
];
