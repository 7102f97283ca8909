import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { TreeHead } from "@agentkeys/core";
import { unavailableError } from "../errors.ts";
import type { LogStore } from "../thread/store.ts";
import { makeDurable, type KeyFile } from "./key-file.ts";

/** What is copied. */
export interface CopySource {
  /** Path of the database. */
  readonly file: string;
  readonly store: LogStore;
  readonly keyFile: KeyFile;
  readonly head: () => TreeHead;
}

// Between two steps, waiting events are committed: SQLite puts what they change into the copy as well.
const pagesOfStep = 256;

/**
 * Copies database and key file into an empty folder, made where it is not there. Answers the head of the copy: no event can come
 * between the last page and it. Throws ERR_AUDIT_UNAVAILABLE, and then leaves nothing in the folder; the log itself goes on.
 */
export async function copyLog(source: CopySource, directory: string): Promise<TreeHead> {
  const copy = join(directory, basename(source.file));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (readdirSync(directory).length > 0) throw new Error("the folder is not empty");
    closeSync(openSync(copy, "wx", 0o600));
  } catch (error) {
    throw unavailableError(`no backup can be put there: ${(error as Error).message}`);
  }
  try {
    await source.store.database.backup(copy, { progress: () => pagesOfStep });
    const head = source.head();
    source.keyFile.copyTo(directory);
    syncFile(copy);
    makeDurable(directory);
    return head;
  } catch (error) {
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    throw unavailableError(`the backup failed: ${(error as Error).message}`);
  }
}

function syncFile(path: string): void {
  const handle = openSync(path, "r+");
  fsyncSync(handle);
  closeSync(handle);
}
