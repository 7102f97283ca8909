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
import type { Guard } from "./guard.ts";

/** One anchor as the publish loop sees it. */
export interface AnchorFacade {
  readonly name: string;
  readonly minIntervalMs: number;
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
    minIntervalMs: manifest?.minIntervalMs ?? 1000,
    async publish(head, tools, requestId) {
      const result = await guard.run("publish", requestId, (call) => anchor.publish(head, tools, call));
      if (result.status === "ok" || result.status === "already") assertEvidence(result.evidence, name, head, guard);
      return result;
    },
    ready: (requestId) => guard.run("ready", requestId, (call) => anchor.ready(call)),
    close: () => anchor.close(),
  };
}

function assertEvidence(evidence: Evidence, name: string, head: TreeHead, guard: Guard): void {
  const text = head.note.slice(0, head.note.indexOf("\n\n") + 1);
  if (evidence.anchor !== name) throw guard.breach(`evidence names the anchor ${evidence.anchor}`);
  if (evidence.size !== head.size || evidence.note_hash !== toHex(noteHash(text)))
    throw guard.breach("evidence is about another head");
}
