import type { Evidence } from "@agentkeys/core";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { decode as decodeJson } from "cborg/json";
import { committedFields, isCommittable, type Opening } from "./commitment.ts";
import { fromBase64, fromHex, isCount, isPlainText, toBase64, toHex } from "./encoding.ts";
import { inReceipt, receiptError } from "./errors.ts";

/** Media type of a receipt's JSON text. */
export const receiptMediaType = "application/vnd.agentkeys.audit-receipt.v1+json";

/** That a record stands in a log: its bytes, the proof, evidence of anchors, and what opens some of its commitments. */
export interface Receipt {
  readonly entry: Uint8Array;
  /** C2SP tlog-proof text, verbatim; cosignatures of witnesses stand in the note inside it. */
  readonly tlogProof: string;
  readonly anchors: readonly Evidence[];
  readonly openings: readonly Opening[];
}

const longestReceipt = 1_048_576;

/** JSON text of a receipt: `{entry, tlog_proof, anchors, openings: [{key, salt, value}]}`. */
export function formatReceipt(receipt: Receipt): string {
  return JSON.stringify({
    entry: toBase64(receipt.entry),
    tlog_proof: receipt.tlogProof,
    anchors: receipt.anchors,
    openings: receipt.openings.map(({ key, salt, value }) => ({
      key,
      salt: toHex(salt),
      value: typeof value === "string" ? value : { hex: toHex(value) },
    })),
  });
}

/**
 * The receipt of JSON text, strictly: exactly the known members, no repeated key, no repeated opening, canonical base64 and hex.
 * Throws ERR_AUDIT_RECEIPT. Nothing is verified.
 */
export function parseReceipt(text: string): Receipt {
  const members = readMembers("the receipt", parseJson(text), ["entry", "tlog_proof", "anchors", "openings"]);
  const { entry, tlog_proof: tlogProof, anchors, openings } = members;
  if (typeof entry !== "string" || typeof tlogProof !== "string") throw receiptError("entry or tlog_proof is not text");
  if (!Array.isArray(anchors) || !Array.isArray(openings)) throw receiptError("anchors or openings is not a list");
  const parsed = openings.map(parseOpening);
  if (new Set(parsed.map(({ key }) => key)).size !== parsed.length) throw receiptError("an opening stands twice");
  return {
    entry: inReceipt(() => fromBase64(entry)),
    tlogProof,
    anchors: anchors.map(parseEvidence),
    openings: parsed,
  };
}

function parseOpening(value: unknown): Opening {
  const { key, salt, value: opened } = readMembers("an opening", value, ["key", "salt", "value"]);
  if (!isCount(key) || !committedFields.has(key)) throw receiptError("an opening is of a field that is no commitment");
  const plain = typeof opened === "string" ? opened : readHash(readMembers("a value", opened, ["hex"])["hex"]);
  if (!isCommittable(key, plain)) throw receiptError(`the value of field ${key} is not of its form`);
  return { key, salt: readHash(salt), value: plain };
}

function parseEvidence(value: unknown): Evidence {
  const evidence = readMembers("evidence", value, ["anchor", "size", "note_hash", "finality", "proof"]);
  const { anchor, size, note_hash: hash, finality } = evidence;
  const named = isPlainText(anchor) && anchor !== "";
  if (!named || !isCount(size) || !isCount(finality) || finality > 4) throw receiptError("evidence is not of its form");
  readHash(hash);
  return evidence as unknown as Evidence;
}

function parseJson(text: string): unknown {
  if (text.length > longestReceipt || !text.isWellFormed()) throw receiptError("it is too long or not Unicode");
  try {
    const value: unknown = JSON.parse(text);
    // JSON.parse keeps the last of two members of one name and says nothing; cborg's reader tells.
    decodeJson(utf8ToBytes(text), { rejectDuplicateMapKeys: true });
    return value;
  } catch (error) {
    throw receiptError("it is not JSON, or a key stands twice", error);
  }
}

function readMembers<Name extends string>(what: string, value: unknown, names: readonly Name[]): Record<Name, unknown> {
  if (typeof value !== "object" || value === null) throw receiptError(`${what} is not an object`);
  const keys = Object.keys(value);
  if (keys.length !== names.length || !names.every((name) => Object.hasOwn(value, name))) {
    throw receiptError(`the members of ${what} are not exactly ${names.join(", ")}`);
  }
  return value as Record<Name, unknown>;
}

function readHash(value: unknown): Uint8Array {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/u.test(value))
    throw receiptError("a hash or salt is not 32 bytes in hex");
  return fromHex(value);
}
