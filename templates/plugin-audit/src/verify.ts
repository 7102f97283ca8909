import type { TreeHead, VerifyOffline } from "@agentkeys/core";
import { logId, noteHash, parseCheckpoint, parseNote, toBase64, toHex } from "@agentkeys/log";
import * as v from "valibot";
import { isSignedBy, parseNotaryKey, Statement } from "./statement.ts";

const Trust = v.strictObject({ public_key: v.string() });
const NotaryEvidence = v.strictObject({
  anchor: v.string(),
  size: v.number(),
  note_hash: v.string(),
  finality: v.literal(4),
  proof: Statement,
});

/** True when the trusted notary signed this head. Pure: no network, no clock. `trust` is `{public_key}`. */
export const verifyOffline: VerifyOffline = async (head, evidence, trust) => {
  const known = v.safeParse(Trust, trust);
  const given = v.safeParse(NotaryEvidence, evidence);
  const key = known.success ? parseNotaryKey(known.output.public_key) : undefined;
  const hash = hashOf(head);
  if (key === undefined || hash === undefined || !given.success) return false;
  const { size, note_hash, proof } = given.output;
  const isOfHead = proof.origin === head.origin && proof.size === head.size && proof.root === head.root;
  return isOfHead && proof.note_hash === hash && note_hash === hash && size === head.size && isSignedBy(proof, key);
};

/** The note hash of a head whose members all say the same, else undefined. */
function hashOf(head: TreeHead): string | undefined {
  try {
    const { text } = parseNote(head.note);
    const { origin, size, root } = parseCheckpoint(text);
    const isSame = origin === head.origin && size === head.size && toBase64(root) === head.root;
    return isSame && toHex(logId(origin)) === head.logId ? toHex(noteHash(text)) : undefined;
  } catch {
    return undefined;
  }
}
