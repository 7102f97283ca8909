import { type CredentialIssuer, definePlugin, type Plugin, type SecretReference } from "@agentkeys/core";
import * as v from "valibot";
import { openTokenIssuer } from "./token-issuer.ts";

/** `[issuer.template]` in the broker's TOML. */
export interface TokenIssuerConfig {
  /** The service that the tokens are for, as it stands in their `aud`. */
  readonly audience: string;
  /** An Ed25519 private key: PKCS#8 as PEM (RFC 8410). */
  readonly signing_key: SecretReference;
}

const config: v.GenericSchema<unknown, TokenIssuerConfig> = v.strictObject({
  audience: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,255}$/u, "expected a name or URL without white space")),
  signing_key: v.union(
    [v.strictObject({ file: v.string() }), v.strictObject({ env: v.string() })],
    'expected a reference { file = "…" } or { env = "…" }, never the key itself',
  ),
});

/** Issues tokens for one service, signed by a key of the plug-in's own. */
const plugin: Plugin<"issuer", TokenIssuerConfig, CredentialIssuer> = definePlugin({
  kind: "issuer",
  name: "template",
  apiVersion: 1,
  capabilities: ["local"],
  config,
  create: async (section, host) => openTokenIssuer(section, await host.secret(section.signing_key), host),
});

export default plugin;
