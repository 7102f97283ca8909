import { equalBytes, leafHash, nodeHash } from "@agentkeys/log";
import { storageError } from "../errors.ts";
import { placeOf, type LogStore } from "./store.ts";

/** What a tree goes on from: its size and the roots of the complete subtrees it is made of, the largest first. */
export interface TreeEdge {
  readonly size: number;
  readonly edge: readonly Uint8Array[];
}

const tailLength = 256;

/**
 * Hashes the last 256 entries anew, and every node above them and of the edge, and compares with what is stored. Answers the
 * edge; throws ERR_AUDIT_STORAGE where anything disagrees or is missing.
 */
export function checkTail(store: LogStore): TreeEdge {
  const { entries: size, hashes } = store.counts();
  if (hashes !== placeOf(0, size)) throw storageError(`there are ${hashes} hashes for ${size} entries`);
  const start = Math.max(0, size - tailLength);
  for (let position = start; position < size; position++) {
    const entry = store.at(position)?.entry;
    const isSame = entry !== undefined && equalBytes(leafHash(entry), store.hashAt(0, position));
    if (!isSame) throw storageError(`entry ${position} is not the one that was hashed`);
  }
  const edge: Uint8Array[] = [];
  for (let level = 0; 2 ** level <= size; level++) {
    const complete = Math.floor(size / 2 ** level);
    // The last complete node of a level may be of the edge, even where all its entries are older than the tail.
    const first = Math.min(Math.floor(start / 2 ** level), complete - 1);
    for (let index = level === 0 ? complete : first; index < complete; index++) checkNode(store, level, index);
    if (complete % 2 === 1) edge.unshift(store.hashAt(level, complete - 1));
  }
  return { size, edge };
}

function checkNode(store: LogStore, level: number, index: number): void {
  const hash = nodeHash(store.hashAt(level - 1, 2 * index), store.hashAt(level - 1, 2 * index + 1));
  const isSame = equalBytes(hash, store.hashAt(level, index));
  if (!isSame) throw storageError(`hash ${index} of level ${level} is not that of its parts`);
}
