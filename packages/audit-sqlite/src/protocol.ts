import type { PlainError } from "./errors.ts";
import type { MerkleLog } from "./thread/merkle-log.ts";
import type { Upkeep } from "./upkeep/upkeep.ts";

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

/** A method of the log, beside `append`, or of its upkeep. */
export type Method = Exclude<keyof MerkleLog, "append"> | keyof Upkeep;

/** A call of a method, answered between two commits. */
export interface Question {
  readonly ticket: number;
  readonly method: Method;
  readonly question: unknown;
}

/** Events to append, with `eventRandomBytes` random bytes for each; a call; or the last message of all. */
export type ToWorker = { readonly items: readonly AppendItem[]; readonly random: Uint8Array } | Question | "close";

/** The answer to one ticket; they come in lists. The first list of all, an empty one, says that the log is open. */
export interface Answer {
  readonly ticket: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

/** Random bytes that one event takes at most: five salts of 32, a nonce of 12, and an account's key of 32 with a nonce of 12. */
export const eventRandomBytes = 216;

/** Random bytes that a first boot takes: 40 bits for the instance's name, Ed25519 seed, key of the tags, key of the openings. */
export const identityRandomBytes = 101;

/** Random bytes that a new key takes: 40 bits for the name of its epoch, its seed, and 80 bits for the id of the record of it. */
export const keyRandomBytes = 47;
