import { definePlugin, type Plugin, type WalletProvisioner } from "@agentkeys/core";
import * as v from "valibot";
import { openSolanaWallet } from "./solana-wallet.ts";

/** `[wallet.template]` in the broker's TOML. */
export interface SolanaWalletConfig {
  /** Seconds a challenge lives. */
  readonly challenge_seconds: number;
}

const config: v.GenericSchema<unknown, SolanaWalletConfig> = v.strictObject({
  challenge_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(2700)), 600),
});

/** Binds a Solana address to an account. The person keeps the key. */
const plugin: Plugin<"wallet", SolanaWalletConfig, WalletProvisioner> = definePlugin({
  kind: "wallet",
  name: "template",
  apiVersion: 1,
  capabilities: [],
  config,
  create: async (section, host) => openSolanaWallet(section, host),
});

export default plugin;
