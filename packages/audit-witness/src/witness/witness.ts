import { isAgentKeysError } from "@agentkeys/core";
import {
  cosignatureLine,
  emptyRoot,
  equalBytes,
  isConsistency,
  logId,
  toHex,
  verifyLine,
  type NoteKey,
} from "@agentkeys/log";
import type { HeadStore } from "./head-store.ts";
import type { WitnessKey } from "./key-file.ts";
import type { LogList } from "./log-list.ts";
import { parseSubmission, type Submission } from "./submission.ts";

/** An answer in HTTP's terms. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

/** A C2SP tlog-witness: it cosigns a head only when that extends the last one it cosigned of the log. */
export class Witness {
  readonly #key: WitnessKey;
  readonly #logs: LogList;
  readonly #heads: HeadStore;

  constructor(key: WitnessKey, logs: LogList, heads: HeadStore) {
    this.#key = key;
    this.#logs = logs;
    this.#heads = heads;
  }

  /** `POST add-checkpoint`. The checks stand in the order of C2SP tlog-witness. */
  async addCheckpoint(body: string): Promise<Reply> {
    let submission: Submission;
    try {
      submission = parseSubmission(body);
    } catch (error) {
      if (!isAgentKeysError(error)) throw error;
      return { status: 400, body: `${error.message}\n` };
    }
    const keys = this.#logs.keysOf(submission.checkpoint.origin);
    if (keys.length === 0) return { status: 404, body: "this witness does not serve that log\n" };
    const signed = await verifySignatures(submission, keys);
    if (signed === undefined) return { status: 403, body: "the checkpoint is not signed by the log\n" };
    return this.#cosign(submission, signed);
  }

  /** `GET <log id>/checkpoint`: the newest head with the log's signature and our cosignature. */
  newestHead(id: string): Reply {
    const head = this.#heads.read(id);
    return head === undefined
      ? { status: 404, body: "no head of that log was cosigned\n" }
      : { status: 200, body: head.note };
  }

  // Synchronous from the look at the last head to the cosignature of the new one: no other request comes between.
  #cosign({ old, proof, note: { text }, checkpoint }: Submission, signed: readonly string[]): Reply {
    const { origin, size, root } = checkpoint;
    const id = toHex(logId(origin));
    if (old > size) return { status: 400, body: "the old size is larger than the checkpoint's\n" };
    const last = this.#heads.read(id) ?? { size: 0, root: emptyRoot };
    if (old !== last.size) return { status: 409, body: `${last.size}\n`, type: "text/x.tlog.size" };
    if (!isConsistency(old, size, last.root, root, proof)) {
      return { status: 422, body: "the checkpoint is not shown to extend the last one cosigned\n" };
    }
    const seconds = Math.floor(Date.now() / 1000);
    const line = cosignatureLine(text, this.#key.noteKey, seconds, this.#key.sign);
    const isSame = size === last.size && equalBytes(root, last.root) && "note" in last;
    // Durable before the cosignature leaves, or a crash would let it cosign another head of this size.
    // What stands there may still be lost, where this process or its disk failed while it was put there.
    if (isSame) this.#heads.sync();
    else this.#heads.write(id, `${text}\n${signed.join("")}${line}`);
    return { status: 200, body: line };
  }
}

/** The lines by the log's keys; undefined when there is none, or one of them is false (C2SP signed-note: malformed). */
async function verifySignatures(
  { note }: Submission,
  keys: readonly NoteKey[],
): Promise<readonly string[] | undefined> {
  const found: string[] = [];
  for (const { name, id, line } of note.signatures) {
    const key = keys.find((candidate) => candidate.name === name && equalBytes(candidate.id, id));
    if (key === undefined) continue;
    if ((await verifyLine(note.text, line, key)) === undefined) return undefined;
    found.push(line);
  }
  return found.length === 0 ? undefined : found;
}
