import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import { parseNote, verifyLine, type Checkpoint } from "@agentkeys/log";
import type { WitnessKey } from "./key-file.ts";
import { lockFolder } from "./lock.ts";
import { parseHead } from "./submission.ts";

/** A head as it was cosigned. */
export interface CosignedHead extends Checkpoint {
  /** Text, the log's signatures that were verified, our cosignature. */
  readonly note: string;
}

/**
 * The newest cosigned head of each log: a file each, and the file is the truth. All of it is synchronous, so that between reading
 * a head and writing the next one nothing else happens in this process; no other process has the folder.
 */
export class HeadStore {
  readonly #folder: string;
  readonly #unlock: () => void;

  private constructor(folder: string, unlock: () => void) {
    this.#folder = folder;
    this.#unlock = unlock;
  }

  /** Opens a folder, made where it is missing, and checks every head in it. Throws ERR_CONFIG_INVALID. */
  static async open(folder: string, key: WitnessKey): Promise<HeadStore> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const store = new HeadStore(folder, lockFolder(folder));
    try {
      for (const file of readdirSync(folder).filter((name) => name.endsWith(".note"))) {
        await assertCosigned(join(folder, file), key);
      }
      return store;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** The newest head of a log id; undefined where none was cosigned. */
  read(logId: string): CosignedHead | undefined {
    let note: string;
    try {
      note = readFileSync(this.#path(logId), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return { ...parseHead(parseNote(note).text), note };
  }

  /** Makes a head the newest of its log. When it returns, that has survived a crash of the machine. */
  write(logId: string, note: string): void {
    const path = this.#path(logId);
    writeFileSync(`${path}.new`, note, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    this.sync();
  }

  /** When it returns, every head that can be read has survived a crash of the machine. */
  sync(): void {
    const folder = openSync(this.#folder, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** Gives the folder back. */
  close(): void {
    this.#unlock();
  }

  #path(logId: string): string {
    return join(this.#folder, `${logId}.note`);
  }
}

async function assertCosigned(path: string, key: WitnessKey): Promise<void> {
  if (await isCosigned(readFileSync(path, "utf8"), key)) return;
  const issues = [`--state: ${path} is not a head cosigned by the key of --key`];
  throw new AgentKeysError("ERR_CONFIG_INVALID", issues.join(), { issues });
}

async function isCosigned(note: string, key: WitnessKey): Promise<boolean> {
  try {
    const { text, signatures } = parseNote(note);
    const verified = await Promise.all(signatures.map(async ({ line }) => verifyLine(text, line, key.noteKey)));
    return verified.some((found) => found !== undefined);
  } catch {
    return false;
  }
}
