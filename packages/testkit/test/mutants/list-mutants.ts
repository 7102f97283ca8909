import { anchorMutants } from "./anchor-mutants.ts";
import { hmacMutants, letterMutants, pluginMutants } from "./auth-mutants.ts";
import { remoteMutants, tokenMutants } from "./issuer-mutants.ts";
import { logMutants } from "./log-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { storeMutants } from "./store-mutants.ts";
import { walletMutants } from "./wallet-mutants.ts";

/** Every mutant of the kit, as data. */
export function listMutants(): readonly Mutant[] {
  return [
    ...pluginMutants,
    ...hmacMutants,
    ...letterMutants,
    ...walletMutants,
    ...logMutants,
    ...anchorMutants,
    ...tokenMutants,
    ...remoteMutants,
    ...storeMutants,
  ];
}
