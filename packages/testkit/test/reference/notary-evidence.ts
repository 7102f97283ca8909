import { createPublicKey, verify } from "node:crypto";
import type { Evidence, TreeHead } from "@agentkeys/core";
import {
  formatVkey,
  fromBase64,
  logId,
  noteHash,
  parseCheckpoint,
  parseNote,
  parseVkey,
  toBase64,
  toHex,
} from "@agentkeys/log";
import { makeSigner } from "../../src/index.ts";
import type { HasFlaw } from "./schema.ts";

const signer = makeSigner("notary");

/** The notary's key. */
export const notary = { sign: signer.sign, vkey: formatVkey("notary.example", 1, signer.publicKey) };

/** What the notary signs. */
export function notaryMessage(size: number, hash: string, finality: number): Uint8Array {
  return Uint8Array.from(Buffer.from(`notary ${size} ${hash} ${finality}`));
}

/** True when the notary of that key has signed this very head. */
export async function verifyNotary(head: TreeHead, evidence: Evidence, vkey: string, has: HasFlaw): Promise<boolean> {
  if (has("verifies nothing")) return true;
  if (has("never verifies")) return false;
  if (has("crashes on odd evidence")) return isSigned(head, evidence, vkey, has);
  try {
    return isSigned(head, evidence, vkey, has);
  } catch {
    return false;
  }
}

function isSigned(head: TreeHead, evidence: Evidence, vkey: string, has: HasFlaw): boolean {
  const { text } = parseNote(head.note);
  const { origin, size, root } = parseCheckpoint(text);
  const isWhole =
    origin === head.origin && size === head.size && toBase64(root) === head.root && toHex(logId(origin)) === head.logId;
  if (!isWhole && !has("looks at the note alone")) return false;
  const hash = toHex(noteHash(text));
  const isOfHead = evidence.note_hash === hash && evidence.size === head.size;
  if (!isOfHead && !has("looks at the evidence alone")) return false;
  const { proof } = evidence;
  const { signature = "", ...more } = proof as { readonly signature?: string };
  if (Object.keys(more).length > 0 && !has("passes over what it does not know")) return false;
  const bytes = has("reads base64 as it comes") ? Buffer.from(signature, "base64") : fromBase64(signature);
  const finality = has("passes over finality") ? 2 : evidence.finality;
  const message = notaryMessage(evidence.size, evidence.note_hash, finality);
  const { publicKey } = parseVkey(has("trusts whom it knows") ? notary.vkey : vkey);
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  return verify(null, message, createPublicKey({ key: der, format: "der", type: "spki" }), bytes);
}
