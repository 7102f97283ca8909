import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from "node:worker_threads";
import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import Database from "better-sqlite3";
import { takeFrom, type AppendOrder } from "./batch.ts";
import { toPlain } from "../errors.ts";
import { openIdentity } from "./identity.ts";
import { MerkleLog } from "./merkle-log.ts";
import type { Answer, ReadRequest, ToWorker, WorkerStart } from "../protocol.ts";
import { LogStore } from "./store.ts";

// Copied into the database when nobody waits, and in any case before the file gets large.
const manyPages = 1000;
const mostPages = 20_000;

/**
 * Serves the log from this thread. Nothing is caught: after a failed fsync SQLite would go on as if nothing were wrong, so the
 * first error of the storage ends the thread, and the other side is told of it.
 */
function serveLog(port: MessagePort, { file, folder, host, random, mostPerCommit }: WorkerStart): void {
  const store = new LogStore(file);
  const log = new MerkleLog(store, openIdentity(store, folder, host, random));
  const orders: (AppendOrder & { readonly ticket: number })[] = [];
  const reads: ReadRequest[] = [];

  let isClosing = false;
  const sort = (message: ToWorker): void => {
    if (message === "close") isClosing = true;
    else if ("method" in message) reads.push(message);
    else {
      const salts = takeFrom(message.random);
      for (const { ticket, text } of message.items) orders.push({ ticket, text, random: salts });
    }
  };
  const gather = (): void => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      sort(next.message as ToWorker);
  };
  const post = (answers: readonly Answer[]): void => port.postMessage(answers, []);
  const commit = (): void => {
    const taken = orders.splice(0, mostPerCommit);
    if (taken.length === 0) return;
    const results = log.append(taken);
    post(taken.map(({ ticket }, at) => toAnswer(ticket, results[at])));
    store.checkpoint(mostPages);
  };
  const readOne = (): void => {
    const request = reads.shift();
    if (request !== undefined) post([toAnswer(request.ticket, read(log, request))]);
  };

  port.on("message", (message: ToWorker) => {
    sort(message);
    do {
      gather();
      commit();
      readOne();
    } while (orders.length > 0 || reads.length > 0);
    if (isClosing) {
      store.database.close();
      port.close();
    } else store.checkpoint(manyPages);
  });
  post([]);
}

function read(log: MerkleLog, { method, question }: ReadRequest): unknown {
  try {
    return log[method](question as never);
  } catch (error) {
    if (isStorageError(error)) throw error;
    // What was asked wrongly is answered.
    return isAgentKeysError(error) ? error : new AgentKeysError("ERR_INTERNAL", "the question has no such form", {});
  }
}

function isStorageError(error: unknown): boolean {
  return error instanceof Database.SqliteError || isAgentKeysError(error, "ERR_AUDIT_STORAGE");
}

function toAnswer(ticket: number, value: unknown): Answer {
  return isAgentKeysError(value) ? { ticket, error: toPlain(value) } : { ticket, value };
}

if (parentPort !== null) serveLog(parentPort, workerData as WorkerStart);
