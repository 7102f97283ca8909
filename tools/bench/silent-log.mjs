// An audit log that records nothing: `append` answers at once. The other side of the mint benchmark, and of no other use.
import { apiVersion, definePlugin } from "@agentkeys/core";

const head = { origin: "silent", logId: "00".repeat(32), size: 0, root: "", note: "", vkey: "silent" };
const positions = [{ index: 0, receipt: "{}" }];

const refuse = async () => Promise.reject(new Error("a silent log has no upkeep"));

/** @type {import("@agentkeys/core").AuditLog} */
const log = {
  append: async () => positions,
  head: async () => head,
  prove: async () => [],
  receipt: async () => undefined,
  read: async () => [],
  find: async () => undefined,
  upkeep: { epochs: async () => [], tile: async () => undefined, erase: refuse, rotateKey: refuse, backup: refuse },
  ready: async () => ({ status: "ready" }),
  close: async () => undefined,
};

export default definePlugin({
  kind: "audit",
  name: "silent",
  apiVersion,
  capabilities: ["log"],
  config: { "~standard": { version: 1, vendor: "agentkeys", validate: (value) => ({ value }) } },
  create: async () => log,
});
