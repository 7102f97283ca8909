import { AgentKeysError, definePlugin, type Plugin, type PluginHost } from "@agentkeys/core";
import { Chain } from "./chain.ts";
import { config, isRpcUrl, type WalletsigSettings } from "./config.ts";
import { openWalletSignIn } from "./wallet-sign-in.ts";

/**
 * Auth plug-in `walletsig`: proves an `evm` identity by a key's signature over a sign-in message (EIP-4361) as a personal message
 * (EIP-191), an `eip155_contract` by its contract's word (ERC-1271, ERC-6492) where the chain has an RPC, and a `solana` identity by
 * a signature over a Sign-In With Solana message. ethers is loaded when the first signature comes; `create` throws
 * ERR_PLUGIN_NOT_LOADABLE when it is missing, ERR_CONFIG_SECRET for an RPC URL that cannot be opened.
 */
const walletsig: Plugin<"auth", WalletsigSettings> = definePlugin({
  kind: "auth",
  name: "walletsig",
  apiVersion: 1,
  capabilities: ["in_band"],
  identityTypes: ["evm", "eip155_contract", "solana"],
  config,
  async create(settings, host) {
    assertInstalled("ethers/hash");
    return openWalletSignIn(settings, await openChains(settings, host), host);
  },
});
export default walletsig;

async function openChains({ rpc }: WalletsigSettings, host: PluginHost): Promise<ReadonlyMap<number, Chain>> {
  const chains = new Map<number, Chain>();
  for (const [id, where] of rpc) {
    const url = typeof where === "string" ? where : await host.secret(where);
    if (!isRpcUrl(url)) {
      const reason = `rpc.${id}: the secret is not an http or https URL without user and fragment`;
      throw new AgentKeysError("ERR_CONFIG_SECRET", reason, { reference: `rpc.${id}`, reason });
    }
    chains.set(id, new Chain(id, url, host));
  }
  return chains;
}

// Found, not loaded: reading it takes longer than all the rest of a cold start.
function assertInstalled(specifier: string): void {
  try {
    import.meta.resolve(specifier);
  } catch (cause) {
    const reason = `${specifier} is not installed, run: npm install --ignore-scripts @agentkeys/auth-walletsig`;
    throw new AgentKeysError("ERR_PLUGIN_NOT_LOADABLE", reason, { specifier, reason }, { cause });
  }
}
