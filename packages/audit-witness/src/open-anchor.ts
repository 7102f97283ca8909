import type {
  AuditAnchor,
  Call,
  Evidence,
  Json,
  PluginHost,
  PublishResult,
  PublishTools,
  TreeHead,
} from "@agentkeys/core";
import { fromBase64, isConsistency, noteHash, parseNote, parseVkey, toHex } from "@agentkeys/log";
import type { AuditWitnessConfig } from "./index.ts";
import { verifyOffline } from "./verify.ts";
import { WitnessClient } from "./witness-client.ts";

// The far size may change between two requests, but not for ever.
const mostAttempts = 4;
const cannotProve: PublishResult = { status: "retry", afterMs: 5000, reason: "the log gives no consistency proof now" };

/** Opens the anchor. It keeps nothing open; what it remembers is the size of the newest head the witness cosigned, by log. */
export function openAnchor(config: AuditWitnessConfig, host: PluginHost): AuditAnchor {
  const key = parseVkey(config.vkey);
  const client = new WitnessClient(config, key, host);
  const storeKey = (logId: string): string => `size/${logId}`;
  const recall = async (logId: string): Promise<number> => parseSize(await host.store.get(storeKey(logId)));

  /** Never lowers what is remembered: a late answer to an older head says nothing of the newer one. */
  const remember = async (logId: string, size: number): Promise<void> => {
    if (size > (await recall(logId))) await host.store.put(storeKey(logId), size);
  };

  /** The witness holds that the head does not extend its own: true only when its own head can be shown to say so. */
  const findFork = async (head: TreeHead, tools: PublishTools, call: Call): Promise<PublishResult> => {
    const far = await client.newestHead(head.logId, call);
    if (typeof far === "string") return { status: "retry", afterMs: 5000, reason: far };
    if (far === undefined || far.size > head.size)
      return { status: "refused", reason: "the witness shows no head to compare" };
    const proof = await prove(tools, far.size, head.size);
    if (proof === undefined) return cannotProve;
    const isExtension = isConsistency(far.size, head.size, far.root, fromBase64(head.root), proof.map(fromBase64));
    if (!isExtension) return { status: "fork", size: far.size, theirs: far.note };
    return { status: "refused", reason: "the witness refuses a head that extends the one it shows" };
  };

  /** What the witness says it has, with the head to prove it where it shows one. */
  const findAhead = async (head: TreeHead, size: number, call: Call): Promise<PublishResult> => {
    const far = await client.newestHead(head.logId, call);
    const isShown = typeof far === "object" && far.size > head.size;
    return { status: "ahead", size: isShown ? far.size : size, ...(isShown ? { theirs: far.note } : {}) };
  };

  return {
    async head(logId, call) {
      const far = await client.newestHead(logId, call);
      if (typeof far === "string") return undefined;
      // Serving heads is optional for a witness: one that shows none may have cosigned all the same.
      return far?.size ?? recall(logId);
    },

    async publish(head, tools, call) {
      let old = Math.min(await recall(head.logId), head.size);
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const proof = await prove(tools, old, head.size);
        if (proof === undefined) return cannotProve;
        const answer = await client.submit(head.note, old, proof, call);
        switch (answer.kind) {
          case "cosigned": {
            await remember(head.logId, head.size);
            return {
              status: old === head.size ? "already" : "ok",
              evidence: makeEvidence(host.name, head, answer.line),
            };
          }
          case "conflict":
            if (answer.size > head.size) return findAhead(head, answer.size, call);
            old = answer.size;
            break;
          case "inconsistent":
            return findFork(head, tools, call);
          case "retry":
            return { status: "retry", afterMs: answer.afterMs, reason: answer.reason };
          case "refused":
            return { status: "refused", reason: answer.reason };
        }
      }
      return { status: "retry", afterMs: 5000, reason: "the witness's size changed with every request" };
    },

    // A cosignature is final from the first moment.
    refresh: async (evidence) => evidence,

    async verifyOnline(head, evidence, call) {
      if (!(await verifyOffline(head, evidence, { vkey: config.vkey }))) return false;
      const far = await client.newestHead(head.logId, call);
      if (far === undefined || typeof far === "string") return undefined;
      return far.size === head.size ? far.note.startsWith(parseNote(head.note).text) : far.size > head.size;
    },

    async ready(call) {
      const far = await client.newestHead("0".repeat(64), call);
      return typeof far === "string" ? { status: "degraded", reason: far } : { status: "ready" };
    },

    close: async () => undefined,
  };
}

/** The proof from a size the witness has; undefined when the log cannot give one now. */
async function prove(tools: PublishTools, from: number, to: number): Promise<readonly string[] | undefined> {
  try {
    return from === 0 ? [] : await tools.prove(from, to);
  } catch {
    return undefined;
  }
}

function makeEvidence(anchor: string, head: TreeHead, line: string): Evidence {
  const hash = toHex(noteHash(parseNote(head.note).text));
  return { anchor, size: head.size, note_hash: hash, finality: 4, cosignatures: [line], proof: {} };
}

function parseSize(value: Json | undefined): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
