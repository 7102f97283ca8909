import { AgentKeysError, definePlugin, type Plugin } from "@agentkeys/core";
import { config, type WalletsigSettings } from "./config.ts";
import { openWalletSignIn } from "./wallet-sign-in.ts";

/**
 * Auth plug-in `walletsig`: proves an `evm` identity by a signature over a sign-in message (EIP-4361) as a personal message
 * (EIP-191). Its libraries are loaded when the first signature comes; `create` throws ERR_PLUGIN_NOT_LOADABLE when one is missing.
 */
const walletsig: Plugin<"auth", WalletsigSettings> = definePlugin({
  kind: "auth",
  name: "walletsig",
  apiVersion: 1,
  capabilities: ["in_band"],
  identityTypes: ["evm"],
  config,
  async create(settings, host) {
    assertInstalled("ethers/hash");
    assertInstalled("siwe");
    return openWalletSignIn(settings, host);
  },
});
export default walletsig;

// Found, not loaded: reading them takes longer than all the rest of a cold start.
function assertInstalled(specifier: string): void {
  try {
    import.meta.resolve(specifier);
  } catch (cause) {
    const reason = `${specifier} is not installed, run: npm install @agentkeys/auth-walletsig`;
    throw new AgentKeysError("ERR_PLUGIN_NOT_LOADABLE", reason, { specifier, reason }, { cause });
  }
}
