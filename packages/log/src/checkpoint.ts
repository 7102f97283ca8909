import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { hashFromBase64, isCount, parseCount, toBase64 } from "./encoding.ts";
import { proofError } from "./errors.ts";

/** A tree head: which log, how many entries, which root (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** The note text of a checkpoint: origin, size and root, a line each, ending in a newline; no extension lines. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint;
  assertOrigin(origin);
  if (!isCount(size)) throw proofError("the tree size is not a whole number up to 2^53-1");
  if (root.length !== 32) throw proofError("the root is not 32 bytes");
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * The checkpoint of a note text, in its one written form. Throws ERR_AUDIT_PROOF otherwise; extension lines are refused,
 * because no log of AgentKeys writes them.
 *
 * @example parseCheckpoint(parseNote(head).text).size
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = "", end, ...more] = text.split("\n");
  if (end !== "" || more.length > 0) throw proofError("a checkpoint is exactly three lines");
  assertOrigin(origin);
  return { origin, size: parseCount(size), root: hashFromBase64(root) };
}

/** What an anchor stores of a head: SHA-256("agentkeys.dev/anchor/v1\n" ‖ checkpoint text without signatures). */
export function noteHash(text: string): Uint8Array {
  return sha256(utf8ToBytes(`agentkeys.dev/anchor/v1\n${text}`));
}

/** The log's 32-byte id: SHA-256(origin). */
export function logId(origin: string): Uint8Array {
  return sha256(utf8ToBytes(origin));
}

function assertOrigin(origin: string): void {
  if (origin === "" || /[\p{Cc}\p{Cs}]/u.test(origin))
    throw proofError("the origin is empty or has control characters");
}
