import type { Evidence, Json, TreeHead, VerifyOffline } from "@agentkeys/core";
import {
  logId,
  noteHash,
  parseCheckpoint,
  parseNote,
  parseVkey,
  toBase64,
  toHex,
  verifyLine,
  type NoteKey,
} from "@agentkeys/log";

/**
 * True when the evidence is a cosignature of the head by the trusted witness (C2SP tlog-cosignature, Ed25519). Pure: no network,
 * no clock. `trust` is `{vkey}`, the witness's. That the log itself signed the head is not looked at.
 *
 * @example
 * await verifyOffline(head, evidence, { vkey: "witness.example/w1+0453c6d5+BIBT…" }) // true
 */
export const verifyOffline: VerifyOffline = async (head, evidence, trust) => {
  const key = parseTrust(trust);
  const text = parseHead(head);
  const line = text === undefined ? undefined : findLine(evidence, head.size, text);
  if (key === undefined || text === undefined || line === undefined) return false;
  const verified = await verifyLine(text, line, key);
  return verified?.timestamp !== undefined && verified.timestamp > 0;
};

/** The checkpoint text of a head whose members all say the same, else undefined. */
function parseHead({ origin, logId: id, size, root, note }: TreeHead): string | undefined {
  try {
    const { text } = parseNote(note);
    const found = parseCheckpoint(text);
    const isSame =
      found.origin === origin && found.size === size && toBase64(found.root) === root && toHex(logId(origin)) === id;
    return isSame ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The one cosignature of evidence that is of this form and of this checkpoint; undefined of anything else. */
function findLine(evidence: unknown, size: number, text: string): string | undefined {
  if (typeof evidence !== "object" || evidence === null) return undefined;
  const {
    anchor,
    size: found,
    note_hash: hash,
    finality,
    cosignatures,
    proof,
    ...more
  } = evidence as Partial<Evidence>;
  const [line, ...lines] = Array.isArray(cosignatures) ? (cosignatures as readonly unknown[]) : [];
  const isOf =
    typeof anchor === "string" &&
    found === size &&
    hash === toHex(noteHash(text)) &&
    finality === 4 &&
    lines.length === 0 &&
    JSON.stringify(proof) === "{}" &&
    Object.keys(more).length === 0;
  return isOf && typeof line === "string" ? line : undefined;
}

function parseTrust(trust: Json): NoteKey | undefined {
  const { vkey } = (trust ?? {}) as { readonly vkey?: Json };
  try {
    const key = typeof vkey === "string" ? parseVkey(vkey) : undefined;
    return key?.algorithm === 4 ? key : undefined;
  } catch {
    return undefined;
  }
}
