import { AgentKeysError, definePlugin, type Plugin, type PluginHost } from "@agentkeys/core";
import { config, type EmailSettings } from "./config.ts";
import { openLoginLink } from "./login-link.ts";
import type { MailTransport } from "./mail.ts";

/**
 * Auth plug-in `email`: proves an `email` identity by a link sent to it. Only the chosen transport's library is loaded; both are
 * optional peer dependencies, and `create` throws ERR_PLUGIN_NOT_LOADABLE with the `npm install` to run when it is missing.
 */
const email: Plugin<"auth", EmailSettings> = definePlugin({
  kind: "auth",
  name: "email",
  apiVersion: 1,
  capabilities: ["out_of_band"],
  identityTypes: ["email"],
  config,
  create: async (settings, host) => openLoginLink(settings.linkSeconds, await openTransport(settings, host), host),
});
export default email;

async function openTransport(settings: EmailSettings, host: PluginHost): Promise<MailTransport | undefined> {
  const { sender, smtp, ses } = settings;
  if (sender !== undefined && smtp !== undefined) {
    const { openSmtp } = await load("smtp", "nodemailer@10", import("./smtp.ts"));
    return openSmtp(sender, smtp, host);
  }
  if (sender !== undefined && ses !== undefined) {
    const { openSes } = await load("ses", "@aws-sdk/client-sesv2@3", import("./ses.ts"));
    return openSes(sender, ses, host);
  }
  return undefined;
}

async function load<Module>(transport: string, library: string, module: Promise<Module>): Promise<Module> {
  try {
    return await module;
  } catch (error) {
    const reason = `the library of transport "${transport}" does not load, run: npm install --ignore-scripts ${library}`;
    throw new AgentKeysError("ERR_PLUGIN_NOT_LOADABLE", reason, { specifier: library, reason }, { cause: error });
  }
}
