import { readFileSync } from "node:fs";

/** One receipt of the vectors, as JSON data. */
export interface ReceiptVector {
  readonly verdict: "accept" | "reject";
  readonly why: string;
  readonly holder: { agent: string; scope: string; credential: string; validity: [number, number] };
  readonly receipt: Record<string, unknown> & {
    readonly entry: string;
    readonly tlog_proof: string;
    readonly openings: readonly OpeningVector[];
  };
}

export interface OpeningVector {
  readonly key: number;
  readonly salt: string;
  readonly value: string | { readonly hex: string };
}

interface Vectors {
  readonly tags: readonly { index_key: string; address: string; tag: string }[];
  readonly records: readonly { name: string; cbor: string; leaf_hash: string; openings: readonly OpeningVector[] }[];
  readonly entries_rejected: readonly { why: string; cbor: string }[];
  readonly log: { origin: string; vkey: string; witness_vkey: string; log_id: string; leaf_hashes_300: string };
  readonly checkpoints: readonly {
    size: number;
    root: string;
    note: string;
    cosigned_note: string;
    note_hash: string;
  }[];
  readonly inclusion: readonly { index: number; size: number; leaf_hash: string; tlog_proof: string }[];
  readonly consistency: readonly { from: number; to: number; proof: readonly string[] }[];
  readonly receipts: readonly ReceiptVector[];
  readonly second_epoch: {
    origin: string;
    vkey: string;
    entry_0: string;
    note: string;
    links_to: { origin: string; size: number; root: string };
  };
}

/** The project's own vectors of the v1 formats. */
export const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"),
) as Vectors;

/** Bytes of hex, by Node and so not by the code under test. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** Hex of bytes, by Node. */
export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}
