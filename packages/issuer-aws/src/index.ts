import { definePlugin, type Plugin } from "@agentkeys/core";
import { openAwsIssuer } from "./aws-issuer.ts";
import { config, type AwsSettings } from "./config.ts";

/**
 * Issuer plug-in `aws`: short-lived AWS credentials of one role, by AssumeRoleWithWebIdentity with a token that the broker signed in the
 * recorded step, narrowed to the order's scope by a session policy.
 */
const aws: Plugin<"issuer", AwsSettings> = definePlugin({
  kind: "issuer",
  name: "aws",
  apiVersion: 1,
  capabilities: ["remote"],
  config,
  create: async (settings, host) => openAwsIssuer(settings, host),
});
export default aws;
