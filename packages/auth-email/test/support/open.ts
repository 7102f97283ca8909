import type { PluginHost, UserAuthMethod } from "@agentkeys/core";
import email from "../../src/index.ts";

/** Opens the plug-in as the broker does: its section through its schema, then `create`. */
export async function openPlugin(section: unknown, host: PluginHost): Promise<UserAuthMethod> {
  const checked = await email.config["~standard"].validate(section);
  if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  return email.create(checked.value, host);
}
