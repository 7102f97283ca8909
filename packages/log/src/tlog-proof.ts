import { hashFromBase64, isCount, parseCount, toBase64 } from "./encoding.ts";
import { proofError } from "./errors.ts";

/** An inclusion proof with the head it leads to (C2SP tlog-proof). */
export interface TlogProof {
  readonly index: number;
  /** RFC 6962 inclusion path, the leaf's sibling first. */
  readonly path: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly note: string;
}

const magic = "c2sp.org/tlog-proof@v1";

/** The text of a proof. */
export function formatTlogProof(proof: TlogProof): string {
  if (!isCount(proof.index)) throw proofError("the index is not a whole number up to 2^53-1");
  const path = proof.path.map((hash) => `${toBase64(hash)}\n`).join("");
  return `${magic}\nindex ${proof.index}\n${path}\n${proof.note}`;
}

/**
 * Takes a proof's text apart, strictly; the note is not looked into. Throws ERR_AUDIT_PROOF. An `extra` line is refused: nothing
 * signs it, and no log of AgentKeys writes one.
 */
export function parseTlogProof(text: string): TlogProof {
  const end = text.indexOf("\n\n");
  const [first, index = "", ...path] = text.slice(0, Math.max(end, 0)).split("\n");
  if (end < 0 || first !== magic) throw proofError(`the proof does not start with ${magic}`);
  if (!index.startsWith("index ")) throw proofError("the proof's second line is not its index");
  if (path.length > 53) throw proofError("the inclusion path is too long");
  return { index: parseCount(index.slice(6)), path: path.map(hashFromBase64), note: text.slice(end + 2) };
}
