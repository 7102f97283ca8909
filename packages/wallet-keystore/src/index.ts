import { AgentKeysError, definePlugin, type Plugin } from "@agentkeys/core";
import { config, type KeystoreSettings } from "./config.ts";
import { openKeystore } from "./keystore.ts";

/**
 * Wallet plug-in `keystore`: the person keeps the key, the broker learns the address by a signature over its challenge (EIP-191).
 * ethers is loaded when the first signature comes; `create` throws ERR_PLUGIN_NOT_LOADABLE when it is missing.
 */
const keystore: Plugin<"wallet", KeystoreSettings> = definePlugin({
  kind: "wallet",
  name: "keystore",
  apiVersion: 1,
  capabilities: [],
  config,
  async create(settings, host) {
    assertInstalled("ethers/hash");
    return openKeystore(settings, host);
  },
});
export default keystore;

// Found, not loaded: reading it takes longer than all the rest of a cold start.
function assertInstalled(specifier: string): void {
  try {
    import.meta.resolve(specifier);
  } catch (cause) {
    const reason = `${specifier} is not installed, run: npm install --ignore-scripts @agentkeys/wallet-keystore`;
    throw new AgentKeysError("ERR_PLUGIN_NOT_LOADABLE", reason, { specifier, reason }, { cause });
  }
}
