// The facade before an anchor that lies about what it published.
import { expect, test } from "vitest";
import { noteHash, toHex } from "@agentkeys/log";
import type { AuditAnchor, PublishResult, TreeHead } from "@agentkeys/core";
import { createAnchorFacade } from "../../src/facade/anchor.ts";
import { createGuard } from "../../src/facade/guard.ts";

const text = "keys.example/audit/abcdefgh/1\n7\nAAAA\n";
const head: TreeHead = { origin: "o", logId: "l", size: 7, root: "AAAA", note: `${text}\n— o AAAA\n` };
const evidence = { anchor: "liar", size: 7, note_hash: toHex(noteHash(text)), finality: 1, proof: {} };

function publish(lie: unknown): Promise<PublishResult> {
  const answer = async (): Promise<never> => lie as never;
  const anchor: AuditAnchor = {
    head: answer,
    publish: answer,
    refresh: answer,
    verifyOnline: answer,
    ready: answer,
    close: async () => undefined,
  };
  const facade = createAnchorFacade("liar", undefined, anchor, createGuard("audit(liar)", 200));
  return facade.publish(head, { prove: async () => [] }, "r");
}

test.each([
  ["nothing", undefined],
  ["a status nobody knows", { status: "weird" }],
  ["a wait that is no number", { status: "retry", afterMs: NaN, reason: "r" }],
  ["no evidence", { status: "ok" }],
  ["another anchor's evidence", { status: "ok", evidence: { ...evidence, anchor: "other" } }],
  ["evidence of another size", { status: "ok", evidence: { ...evidence, size: 8 } }],
  ["evidence of another head", { status: "already", evidence: { ...evidence, note_hash: "00".repeat(32) } }],
  ["a finality that does not exist", { status: "ok", evidence: { ...evidence, finality: 5 } }],
  ["a proof that is no JSON", { status: "ok", evidence: { ...evidence, proof: 1n } }],
  ["cosignatures that are no texts", { status: "ok", evidence: { ...evidence, cosignatures: [1] } }],
])("an anchor that answers %s published nothing", async (_, lie) => {
  await expect(publish(lie)).rejects.toMatchObject({ code: "ERR_PLUGIN_CONTRACT" });
});

test("an anchor that never answers is a timeout, and an honest one is believed", async () => {
  await expect(publish(Promise.withResolvers().promise)).rejects.toMatchObject({ code: "ERR_PLUGIN_TIMEOUT" });
  await expect(publish({ status: "ok", evidence })).resolves.toEqual({ status: "ok", evidence });
});
