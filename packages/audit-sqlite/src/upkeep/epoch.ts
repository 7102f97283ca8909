import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import type { TreeHead } from "@agentkeys/core";
import {
  formatCheckpoint,
  formatVkey,
  logId,
  parseVkey,
  rootAt,
  signatureLine,
  signNote,
  toBase64,
  toHex,
  type NodeReader,
  type NoteKey,
} from "@agentkeys/log";
import { placeOf, type LogStore } from "../thread/store.ts";

/** A key that signs the heads of one origin. */
export interface HeadKey {
  readonly vkey: string;
  readonly key: NoteKey;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** The row of an epoch. */
export interface EpochRow {
  readonly number: number;
  readonly origin: string;
  /** Where its first entry and its first hash stand among those of all epochs. */
  readonly position: number;
  readonly place: number;
}

/** One tree of the log, under an origin of its own, and the keys that sign its heads. */
export class Epoch {
  readonly number: number;
  readonly origin: string;
  /** Lower hex. */
  readonly logId: string;
  readonly firstPosition: number;
  readonly firstPlace: number;
  /** Every key that has signed its heads, oldest first. */
  readonly vkeys: readonly string[];
  readonly hashAt: NodeReader;
  /** How many entries it has. */
  size: number;
  readonly #signers: readonly HeadKey[];

  /** `signers` are the keys that sign now, the newest first. */
  constructor(store: LogStore, row: EpochRow, size: number, vkeys: readonly string[], signers: readonly HeadKey[]) {
    this.number = row.number;
    this.origin = row.origin;
    this.logId = toHex(logId(row.origin));
    this.firstPosition = row.position;
    this.firstPlace = row.place;
    this.size = size;
    this.vkeys = vkeys;
    this.hashAt = (level, index) => store.hashAt(row.place + placeOf(level, index));
    this.#signers = signers;
  }

  /** How many signature lines its heads bear. */
  get signatures(): number {
    return this.#signers.length;
  }

  /** The signed head of a size. Ed25519 is deterministic: under the same keys, the same size has always the same note. */
  headAt(size: number, root: Uint8Array = rootAt(size, this.hashAt)): TreeHead {
    const { origin } = this;
    const text = formatCheckpoint({ origin, size, root });
    let note = "";
    for (const { key, sign: signBytes } of this.#signers)
      note = note === "" ? signNote(text, key, signBytes) : note + signatureLine(key, signBytes(Buffer.from(text)));
    return { origin, logId: this.logId, size, root: toBase64(root), note };
  }
}

// RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS #8.
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** The key of a seed, for heads of an origin. */
export function makeHeadKey(origin: string, seed: Uint8Array): HeadKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const vkey = formatVkey(origin, 1, publicKey);
  return { vkey, key: parseVkey(vkey), sign: (bytes) => sign(null, bytes, privateKey) };
}
