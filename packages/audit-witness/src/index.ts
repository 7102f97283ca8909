import { apiVersion, definePlugin, type AuditAnchor, type Plugin } from "@agentkeys/core";
import { parseVkey } from "@agentkeys/log";
import * as v from "valibot";
import { openAnchor } from "./open-anchor.ts";

const address = v.pipe(
  v.string(),
  v.check(isPrefix, "expected an http or https URL without query, fragment or final slash"),
);

const config = v.strictObject({
  /** Submission prefix of the witness, e.g. `https://witness.example`. */
  url: address,
  /** Its C2SP vkey, of a cosignature key (algorithm 4). */
  vkey: v.pipe(v.string(), v.check(isCosignatureKey, "expected the vkey of a witness (an Ed25519 cosignature key)")),
  /** Monitoring prefix, where it is another one. */
  monitoring_url: v.optional(address),
});

/** The section `[audit.witness]`, parsed. */
export type AuditWitnessConfig = v.InferOutput<typeof config>;

/** An anchor that has each head cosigned by a C2SP witness, which cosigns only what extends the last head it saw. */
const plugin: Plugin<"audit", AuditWitnessConfig, AuditAnchor> = definePlugin({
  kind: "audit",
  name: "witness",
  apiVersion,
  capabilities: ["anchor"],
  config,
  manifest: {
    checks: "append-only",
    offline: "full",
    publishes: ["origin", "size", "root", "signature"],
    minIntervalMs: 1000,
  },
  create: async (parsed, host) => openAnchor(parsed, host),
});

export default plugin;

function isPrefix(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined &&
    /^https?:$/u.test(url.protocol) &&
    url.search + url.hash + url.username === "" &&
    !text.endsWith("/")
  );
}

function isCosignatureKey(text: string): boolean {
  try {
    return parseVkey(text).algorithm === 4;
  } catch {
    return false;
  }
}
