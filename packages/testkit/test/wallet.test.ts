import { walletCases } from "../src/index.ts";
import { walletMutants } from "./mutants/wallet-mutants.ts";
import { proveCases } from "./prove-cases.ts";
import { makeWalletFixture } from "./reference/signed-wallet.ts";

proveCases(walletCases, walletMutants, makeWalletFixture, "wallet");
