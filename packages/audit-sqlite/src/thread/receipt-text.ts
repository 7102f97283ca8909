import type { Evidence } from "@agentkeys/core";
import { FieldKey, type Opening } from "@agentkeys/log";
import type { StoredEntry } from "./store.ts";

/** What a receipt is put together from. */
export interface ReceiptParts {
  readonly entry: Uint8Array;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The head's note as JSON text. */
  readonly note: string;
  readonly openings: readonly Opening[];
  readonly anchors?: readonly Evidence[];
}

const committed = ["account", "agent", "scope", "grant", "credential"] as const;

/**
 * JSON text of a receipt, what `formatReceipt` of @agentkeys/log writes, in one pass and in ASCII: one byte a character on its
 * way to the other thread and to the socket. `texts` keeps the base64 of hashes, which the receipts of a batch share.
 */
export function formatReceiptText(parts: ReceiptParts, texts: Map<Uint8Array, string> = new Map()): string {
  const encode = (hash: Uint8Array): string => {
    const text = texts.get(hash) ?? toText(hash, "base64");
    texts.set(hash, text);
    return `${text}\\n`;
  };
  const proof = `c2sp.org/tlog-proof@v1\\nindex ${parts.index}\\n${parts.path.map(encode).join("")}\\n`;
  const openings = parts.openings.map(formatOpening).join(",");
  const anchors = (parts.anchors ?? []).map(formatEvidence).join(",");
  return `{"entry":"${toText(parts.entry, "base64")}","tlog_proof":"${proof}${parts.note.slice(1)},"anchors":[${anchors}],"openings":[${openings}]}`;
}

/** What opens a stored entry's commitments to the fields of the given keys, by ascending key. */
export function openingsOf({ salts, personal }: StoredEntry, keys: readonly number[]): readonly Opening[] {
  return committed
    .filter((name) => personal[name] !== undefined)
    .map((name, at) => ({ name, key: FieldKey[name], salt: salts.subarray(32 * at, 32 * at + 32) }))
    .filter(({ key }) => keys.includes(key))
    .map(({ name, key, salt }) => {
      const value = personal[name] as string;
      return { key, salt, value: name === "account" ? Buffer.from(value, "hex") : value };
    });
}

/** JSON text of text, in ASCII. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function formatOpening({ key, salt, value }: Opening): string {
  const text = typeof value === "string" ? quote(value) : `{"hex":"${toText(value, "hex")}"}`;
  return `{"key":${key},"salt":"${toText(salt, "hex")}","value":${text}}`;
}

/** As a receipt has it: a witness's cosignatures stand in the note. */
function formatEvidence({ anchor, size, note_hash, finality, proof }: Evidence): string {
  return JSON.stringify({ anchor, size, note_hash, finality, proof });
}

function toText(bytes: Uint8Array, encoding: "base64" | "hex"): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}
