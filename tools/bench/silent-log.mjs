// An audit log that records nothing: `append` answers at once. The other side of the mint benchmark, and of no other use.
import { generateKeyPairSync, sign } from "node:crypto";
import { apiVersion, definePlugin } from "@agentkeys/core";
import { emptyRoot, formatCheckpoint, formatVkey, parseVkey, signNote, toBase64 } from "@agentkeys/log";

const origin = "silent";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const vkey = formatVkey(origin, 1, publicKey.export({ type: "spki", format: "der" }).subarray(-32));
const text = formatCheckpoint({ origin, size: 0, root: emptyRoot });
const note = signNote(text, parseVkey(vkey), (bytes) => sign(null, bytes, privateKey));
const head = { origin, logId: "00".repeat(32), size: 0, root: toBase64(emptyRoot), note, vkey };
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
