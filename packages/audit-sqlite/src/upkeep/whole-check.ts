import type { Epoch } from "./epoch.ts";
import type { LogStore } from "../thread/store.ts";
import { checkEntry, checkNode } from "./tail.ts";

const entriesOfStep = 64;

/**
 * Hashes every entry of every epoch anew, with all nodes above them, a few at each step, oldest first. A step throws
 * ERR_AUDIT_STORAGE where anything is not what was written; the answer is whether there is more to look at. What is appended while it
 * goes on has been hashed just now.
 */
export function* checkWhole(store: LogStore, epochs: readonly Epoch[]): Generator<undefined, void> {
  for (const epoch of epochs) {
    const { size } = epoch;
    for (let index = 0; index < size; index++) {
      checkEntry(store, epoch, index);
      for (let level = 1; (index + 1) % 2 ** level === 0; level++)
        checkNode(epoch, level, (index + 1) / 2 ** level - 1);
      if (index % entriesOfStep === entriesOfStep - 1) yield;
    }
  }
}
