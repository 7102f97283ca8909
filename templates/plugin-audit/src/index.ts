import { type AuditAnchor, definePlugin, type Plugin } from "@agentkeys/core";
import * as v from "valibot";
import { openNotaryAnchor } from "./notary-anchor.ts";
import { parseNotaryKey } from "./statement.ts";

/** `[audit.template]` in the broker's TOML. */
export interface NotaryConfig {
  /** Where the notary listens, without a final slash. */
  readonly url: string;
  /** Its Ed25519 public key: 32 bytes in padded base64, as it prints at its start. */
  readonly public_key: string;
}

const config: v.GenericSchema<unknown, NotaryConfig> = v.strictObject({
  url: v.pipe(v.string(), v.regex(/^https?:\/\/[^/?#@]+$/, "expected an http or https URL without a path")),
  public_key: v.pipe(
    v.string(),
    v.check((text) => parseNotaryKey(text) !== undefined, "expected 32 bytes in padded base64"),
  ),
});

/** An anchor: each head is signed by a notary that takes only heads which extend the last one it signed. */
const plugin: Plugin<"audit", NotaryConfig, AuditAnchor> = definePlugin({
  kind: "audit",
  name: "template",
  apiVersion: 1,
  capabilities: ["anchor"],
  manifest: {
    checks: "append-only",
    offline: "full",
    publishes: ["origin", "size", "root", "signature"],
    minIntervalMs: 1000,
  },
  config,
  create: async (section, host) => openNotaryAnchor(section, host),
});

export default plugin;
