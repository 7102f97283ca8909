import { apiVersion, definePlugin, type AuditLog, type Plugin } from "@agentkeys/core";
import * as v from "valibot";
import { openLog, startEpoch } from "./open-log.ts";

const config = v.strictObject({
  /** Path of the database, relative to the plug-in's folder under the broker's data_dir. */
  file: v.optional(v.pipe(v.string(), v.nonEmpty("expected a path")), "log.db"),
});

/** The section `[audit.sqlite]`, parsed. */
export type AuditSqliteConfig = v.InferOutput<typeof config>;

/** The audit log in one SQLite file: a Merkle tree with group commit, its head signed with a key of its own. */
const plugin: Plugin<"audit", AuditSqliteConfig, AuditLog> = definePlugin({
  kind: "audit",
  name: "sqlite",
  apiVersion,
  capabilities: ["log"],
  config,
  create: (parsed, host) => openLog(parsed, host),
  startEpoch,
});

export default plugin;
