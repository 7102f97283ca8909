import * as v from "valibot";
import { noteHash, toHex } from "@agentkeys/log";
import type {
  AnchorManifest,
  AuditAnchor,
  Evidence,
  PublishResult,
  PublishTools,
  Readiness,
  TreeHead,
} from "@agentkeys/core";
import { json, readiness, type Guard } from "./guard.ts";

/** One anchor as the publish loop sees it. */
export interface AnchorFacade {
  readonly name: string;
  readonly minIntervalMs: number;
  /** The size of the newest head of a log the far side has; undefined when it cannot say within the deadline. */
  head(logId: string, requestId: string): Promise<number | undefined>;
  publish(head: TreeHead, tools: PublishTools, requestId: string): Promise<PublishResult>;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

/** Puts the facade before an anchor. */
export function createAnchorFacade(
  name: string,
  manifest: AnchorManifest | undefined,
  anchor: AuditAnchor,
  guard: Guard,
): AnchorFacade {
  return {
    name,
    minIntervalMs: guard.read("manifest", interval, manifest?.minIntervalMs),
    async head(logId, requestId) {
      const size = await guard.run("head", requestId, (call) => anchor.head(logId, call), headPatience);
      return guard.read("head", v.optional(count), size);
    },
    async publish(head, tools, requestId) {
      const given = await guard.run("publish", requestId, (call) => anchor.publish(head, tools, call));
      const result = guard.read("publish", publishResult, given);
      if (result.status === "ok" || result.status === "already") assertEvidence(result.evidence, name, head, guard);
      return result;
    },
    ready: async (requestId) =>
      guard.read("ready", readiness, await guard.run("ready", requestId, (call) => anchor.ready(call))),
    close: () => anchor.close(),
  };
}

/** A start waits no longer for a far side that does not answer, in milliseconds. */
const headPatience = 5000;

/** In milliseconds. What is no number would make the publish loop spin. */
const interval = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 1000);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const evidenceForm = v.object({
  anchor: v.string(),
  size: count,
  note_hash: v.string(),
  finality: v.picklist([0, 1, 2, 3, 4]),
  cosignatures: v.exactOptional(v.array(v.string())),
  proof: json,
});
const publishResult: v.GenericSchema<unknown, PublishResult> = v.variant("status", [
  v.object({ status: v.picklist(["ok", "already"]), evidence: evidenceForm }),
  v.object({ status: v.literal("ahead"), size: count, theirs: v.exactOptional(v.string()) }),
  v.object({ status: v.literal("fork"), size: count, theirs: v.string() }),
  v.object({ status: v.literal("retry"), afterMs: v.pipe(v.number(), v.finite()), reason: v.string() }),
  v.object({ status: v.literal("refused"), reason: v.string() }),
]);

function assertEvidence(evidence: Evidence, name: string, head: TreeHead, guard: Guard): void {
  const text = head.note.slice(0, head.note.indexOf("\n\n") + 1);
  if (evidence.anchor !== name) throw guard.breach(`evidence names the anchor ${evidence.anchor}`);
  if (evidence.size !== head.size || evidence.note_hash !== toHex(noteHash(text)))
    throw guard.breach("evidence is about another head");
}
