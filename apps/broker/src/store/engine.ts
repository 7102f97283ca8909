import { Worker } from "node:worker_threads";
import { drizzle } from "./drizzle.ts";
import { AgentKeysError } from "@agentkeys/core";
import type { Commands, Crossed, ReadOnlyDatabase } from "./engine-command.ts";
import { openReader } from "./engine-connection.ts";
import { remakeError, type Ask, type FromWorker, type ToWorker, type WorkerStart } from "./engine-message.ts";

export { prepared } from "./engine-command.ts";
export type { Commands, ReadOnlyDatabase, Transaction } from "./engine-command.ts";

/** What to do when the storage itself fails. */
export interface EngineOptions {
  /** Called once, after every waiting write was refused. Nothing can be written any more: the process ends. */
  readonly onFatal: (error: AgentKeysError) => void;
  /** Commands that `changes` leaves out. */
  readonly uncounted?: readonly string[];
}

/** A database file with one writer in a worker thread and a reader here. */
export interface Engine<Known extends Commands> {
  /**
   * Runs a command; resolves with its output after it survives a crash of the machine. Rejects with the AgentKeysError the command
   * threw, or with ERR_INTERNAL for any other (a broken constraint, a mistake, a failed storage); then it has changed nothing,
   * unless the storage failed: then nobody knows. Commands run in the order they were written.
   */
  write<Name extends keyof Known & string>(
    name: Name,
    ...input: InputOf<Known[Name]>
  ): Promise<Crossed<ReturnType<Known[Name]>>>;
  /** Reads what is committed; everything a resolved `write` changed is there. */
  readonly read: ReadOnlyDatabase;
  /**
   * How many commands were answered so far, without those of `uncounted`: while it stays the same, so does all that they can change. It
   * grows before the caller of a command learns the answer.
   */
  readonly changes: number;
  /** Waits for every write, then closes the file. Safe to call twice. A write afterwards is ERR_REQUEST_SHUTTING_DOWN. */
  close(): Promise<void>;
}

/** The arguments of `write` after the name: the command's input, or nothing where it takes none. */
type InputOf<One> = One extends (db: never, ...input: infer Input) => unknown ? Input : never;

interface Waiting {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: AgentKeysError): void;
}

/** A turn of the event loop with many requests must not keep the worker waiting: a post goes out every so many. */
const mostInPost = 32;

/**
 * Opens a file with the commands and the schema that the module `definition` exports (an `EngineDefinition`). Throws
 * ERR_CONFIG_INVALID when the file cannot be used.
 */
export async function openEngine<Known extends Commands>(
  file: string,
  definition: URL,
  options: EngineOptions,
): Promise<Engine<Known>> {
  const worker = await startWorker({ file, definition: definition.href });
  const reader = openReader(file);
  const uncounted = new Set(options.uncounted);
  const waiting = new Set<Waiting>();
  let changes = 0;
  let unposted: Ask[] = [];
  let closing: Promise<void> | undefined;
  let failed: AgentKeysError | undefined;

  const send = (message: ToWorker): void => worker.postMessage(message, []);
  const post = (): void => {
    if (unposted.length === 0) return;
    const asks = unposted;
    unposted = [];
    send(asks);
  };
  const fail = (cause: unknown): void => {
    if (failed !== undefined) return;
    failed = new AgentKeysError("ERR_INTERNAL", "the store failed", {}, { cause });
    unposted = [];
    for (const one of waiting) one.reject(failed);
    waiting.clear();
    options.onFatal(failed);
  };
  worker.on("error", fail);
  worker.on("messageerror", fail);
  worker.on("exit", (code) => {
    if (closing === undefined) fail(new Error(`the store's worker ended with ${code}`));
  });
  worker.on("message", (message: FromWorker) => {
    if (!("answers" in message)) return;
    // Answers come in the order of the asks, and a Set keeps its own.
    const order = waiting.values();
    for (const answer of message.answers) {
      const { value: one } = order.next();
      if (one === undefined) {
        fail(new Error("the store's worker answered what nobody asked"));
        return;
      }
      waiting.delete(one);
      if (!uncounted.has(one.command)) changes++;
      if ("fault" in answer) one.reject(remakeError(answer.fault));
      else one.resolve(answer.value);
    }
  });

  return {
    read: drizzle(reader),
    get changes() {
      return changes;
    },
    write: (name, ...input) => {
      if (failed !== undefined) return Promise.reject(failed);
      if (closing !== undefined) return Promise.reject(new AgentKeysError("ERR_REQUEST_SHUTTING_DOWN", "closed", {}));
      const count = unposted.push([name, input[0]]);
      if (count === 1) setImmediate(post);
      if (count === mostInPost) post();
      return new Promise((resolve, reject) => {
        waiting.add({ command: name, resolve, reject });
      });
    },
    close: () => {
      closing ??= new Promise<void>((resolve) => {
        reader.close();
        if (failed !== undefined) {
          resolve();
          return;
        }
        worker.once("exit", () => resolve());
        post();
        send("close");
      });
      return closing;
    },
  };
}

/** Starts the writer and waits until it has the file. */
async function startWorker(start: WorkerStart): Promise<Worker> {
  const isSource = import.meta.url.endsWith(".ts");
  const worker = new Worker(new URL(isSource ? "./worker.ts" : "./worker.js", import.meta.url), {
    name: "store",
    workerData: start,
    ...(isSource ? { execArgv: ["--conditions=agentkeys-source"] } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (first: FromWorker) => {
      worker.off("error", reject);
      if ("refused" in first) reject(remakeError(first.refused));
      else resolve();
    });
  });
  return worker;
}
