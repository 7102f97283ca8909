import type { Evidence } from "@agentkeys/core";
import type { Opening } from "@agentkeys/log";
import type { Opened } from "../upkeep/openings.ts";

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

/** Those of the openings that are of the given keys, by ascending key. */
export function openingsOf(opened: Opened | undefined, keys: readonly number[]): readonly Opening[] {
  return opened?.openings.filter(({ key }) => keys.includes(key)) ?? [];
}

/** JSON text of text, in ASCII. */
export function quote(text: string): string {
  const json = JSON.stringify(text);
  if (!/[^ -~]/.test(json)) return json;
  const ascii = json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  // V8 goes on to hold two bytes a character where there were any such, and with it all that this becomes a part of.
  return Buffer.from(ascii, "latin1").toString("latin1");
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
