import { equalBytes, leafHash, nodeHash } from "@agentkeys/log";
import { storageError } from "../errors.ts";
import { recordIdOf, sha256 } from "../thread/batch.ts";
import type { Epoch } from "./epoch.ts";
import type { LogStore } from "../thread/store.ts";

const tailLength = 256;

/**
 * Hashes the last 256 entries of an epoch anew, and every node above them and of the edge, and compares with what is stored. Answers
 * the edge, from which the tree goes on; throws ERR_AUDIT_STORAGE where anything disagrees or is missing.
 */
export function checkTail(store: LogStore, epoch: Epoch): readonly Uint8Array[] {
  const { size, hashAt } = epoch;
  const start = Math.max(0, size - tailLength);
  for (let index = start; index < size; index++) checkEntry(store, epoch, index);
  const edge: Uint8Array[] = [];
  for (let level = 0; 2 ** level <= size; level++) {
    const complete = Math.floor(size / 2 ** level);
    // The last complete node of a level may be of the edge, even where all its entries are older than the tail.
    const first = Math.min(Math.floor(start / 2 ** level), complete - 1);
    for (let index = level === 0 ? complete : first; index < complete; index++) checkNode(epoch, level, index);
    if (complete % 2 === 1) edge.unshift(hashAt(level, complete - 1));
  }
  return edge;
}

/** Throws ERR_AUDIT_STORAGE unless the entry is the one that was hashed, under the id that stands in it. */
export function checkEntry(store: LogStore, { firstPosition, hashAt }: Epoch, index: number): void {
  const stored = store.at(firstPosition + index);
  const isSame =
    stored !== undefined &&
    equalBytes(leafHash(stored.entry, sha256), hashAt(0, index)) &&
    equalBytes(recordIdOf(stored.entry), stored.id);
  if (!isSame) throw storageError(`entry ${index} is not the one that was hashed`);
}

/** Throws ERR_AUDIT_STORAGE unless the hash is that of its two parts. */
export function checkNode({ hashAt }: Epoch, level: number, index: number): void {
  const hash = nodeHash(hashAt(level - 1, 2 * index), hashAt(level - 1, 2 * index + 1), sha256);
  if (!equalBytes(hash, hashAt(level, index)))
    throw storageError(`hash ${index} of level ${level} is not that of its parts`);
}
