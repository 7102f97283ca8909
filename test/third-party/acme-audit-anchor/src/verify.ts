import type { Evidence, Json, TreeHead, VerifyOffline } from "@agentkeys/core";
import { logId, noteHash, parseCheckpoint, parseNote, toBase64, toHex } from "@agentkeys/log";
import * as v from "valibot";
import { isSignedBy, parseNotaryKey, Statement } from "./statement.ts";

const Trust = v.strictObject({ public_key: v.string() });

/** True when the trusted notary signed this head. Pure: no network, no clock. `trust` is `{public_key}`. */
export const verifyOffline: VerifyOffline = async (head, evidence, trust) =>
  readStatement(head, evidence, trust) !== undefined;

function readStatement(head: TreeHead, evidence: Evidence, trust: Json): Statement | undefined {
  const known = v.safeParse(Trust, trust);
  const key = known.success ? parseNotaryKey(known.output.public_key) : undefined;
  const statement = v.safeParse(Statement, evidence.proof);
  const hash = hashOf(head);
  if (key === undefined || hash === undefined || !statement.success) return undefined;
  const { origin, size, root, note_hash } = statement.output;
  const { anchor, ...facts } = evidence;
  const isOfHead = origin === head.origin && size === head.size && root === head.root && note_hash === hash;
  const isEvidence =
    typeof anchor === "string" &&
    Object.keys(facts).length === 4 &&
    evidence.size === size &&
    evidence.note_hash === hash &&
    evidence.finality === 4;
  return isOfHead && isEvidence && isSignedBy(statement.output, key) ? statement.output : undefined;
}

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
