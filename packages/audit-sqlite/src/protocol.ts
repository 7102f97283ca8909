import type { MerkleLog } from "./thread/merkle-log.ts";
import type { PlainError } from "./errors.ts";

/** What the worker thread is started with. */
export interface WorkerStart {
  /** Path of the database. */
  readonly file: string;
  /** The plug-in's folder, where the key file is. */
  readonly folder: string;
  /** Host of the public URL, the first part of the origin that a first boot makes. */
  readonly host: string;
  /** Random bytes for what a first boot makes; see `identityRandomBytes`. */
  readonly random: Uint8Array;
  /** The most callers whose events go into one transaction. */
  readonly mostPerCommit: number;
}

/** The events of one caller, as JSON text: cheaper to send than objects, and what cannot be sent harms no other caller. */
export interface AppendItem {
  readonly ticket: number;
  readonly text: string;
}

/** A method of the log that only reads. */
export type ReadMethod = Exclude<keyof MerkleLog, "append">;

/** A read, answered between two commits. */
export interface ReadRequest {
  readonly ticket: number;
  readonly method: ReadMethod;
  readonly question: unknown;
}

/** Events to append, with `saltBytes` random bytes for each; a read; or the last message of all. */
export type ToWorker = { readonly items: readonly AppendItem[]; readonly random: Uint8Array } | ReadRequest | "close";

/** The answer to one ticket; they come in lists. The first list of all, an empty one, says that the log is open. */
export interface Answer {
  readonly ticket: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

/** Random bytes that the commitments of one event take at most: a salt of 32 bytes for each of five fields. */
export const saltBytes = 160;

/** Random bytes that a first boot takes: Ed25519 seed, index key, and 40 bits for the instance's name. */
export const identityRandomBytes = 69;
