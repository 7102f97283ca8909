import { definePlugin, type Plugin } from "@agentkeys/core";
import { config, type OidcSettings } from "./config.ts";
import { openOidcIssuer } from "./oidc-issuer.ts";

/** Issuer plug-in `oidc`: a workload identity token (JWT) for one audience, which any relying party verifies by the broker's JWKS. */
const oidc: Plugin<"issuer", OidcSettings> = definePlugin({
  kind: "issuer",
  name: "oidc",
  apiVersion: 1,
  capabilities: ["local"],
  config,
  create: async (settings, host) => openOidcIssuer(settings, host),
});
export default oidc;
