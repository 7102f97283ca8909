import { definePlugin, type Plugin, type UserAuthMethod } from "@agentkeys/core";
import * as v from "valibot";
import { openSshAuth } from "./ssh-auth.ts";

/** `[auth.template]` in the broker's TOML. */
export interface SshAuthConfig {
  /** What `ssh-keygen -Y sign -n` is given: a signature made for another purpose proves nothing here. */
  readonly namespace: string;
  /** Seconds a challenge lives. */
  readonly challenge_seconds: number;
}

const config: v.GenericSchema<unknown, SshAuthConfig> = v.strictObject({
  namespace: v.optional(v.pipe(v.string(), v.regex(/^[\w.@-]{1,64}$/)), "agentkeys"),
  challenge_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(2700)), 600),
});

/** Sign in with an Ed25519 SSH key. */
const plugin: Plugin<"auth", SshAuthConfig, UserAuthMethod> = definePlugin({
  kind: "auth",
  name: "template",
  apiVersion: 1,
  capabilities: ["in_band"],
  identityTypes: ["ssh_ed25519"],
  config,
  create: async (section, host) => openSshAuth(section, host),
});

export default plugin;
