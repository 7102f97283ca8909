import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from "node:worker_threads";
import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import Database from "better-sqlite3";
import { drawFrom, type AppendOrder } from "./batch.ts";
import { toPlain } from "../errors.ts";
import type { Answer, Method, Question, ToWorker, WorkerStart } from "../protocol.ts";
import { checkWhole } from "../upkeep/whole-check.ts";
import type { Upkeep } from "../upkeep/upkeep.ts";
import type { MerkleLog } from "./merkle-log.ts";
import { openParts } from "./open-parts.ts";

// Copied into the database when nobody waits, and in any case before the file gets large.
const manyPages = 1000;
const mostPages = 20_000;
// So the check of the whole log takes a twentieth of the thread, and none of it while events wait.
const checkPauseMilliseconds = 10;
const checkDelayMilliseconds = 1000;

/**
 * Serves the log from this thread. Nothing is caught: after a failed fsync SQLite would go on as if nothing were wrong, so the
 * first error of the storage ends the thread, and the other side is told of it.
 */
function serveLog(port: MessagePort, start: WorkerStart): void {
  const { store, log, upkeep, identity } = openParts(start);
  const methods = methodsOf(log, upkeep);
  const orders: (AppendOrder & { readonly ticket: number })[] = [];
  const questions: Question[] = [];
  const check = checkWhole(store, identity.epochs);

  let isClosing = false;
  let timer: NodeJS.Timeout | undefined;
  const checkOn = (): void => {
    if (check.next().done !== true) timer = setTimeout(checkOn, checkPauseMilliseconds);
  };
  const sort = (message: ToWorker): void => {
    if (message === "close") isClosing = true;
    else if ("question" in message) questions.push(message);
    else {
      const random = drawFrom(message.random);
      for (const { ticket, text } of message.items) orders.push({ ticket, events: text, random });
    }
  };
  const gather = (): void => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      sort(next.message as ToWorker);
  };
  const post = (answers: readonly Answer[]): void => port.postMessage(answers, []);
  const commit = (): void => {
    const taken = orders.splice(0, start.mostPerCommit);
    if (taken.length === 0) return;
    const results = log.append(taken);
    post(taken.map(({ ticket }, at) => toAnswer(ticket, results[at])));
    store.checkpoint(mostPages);
  };
  const answer = ({ ticket, method, question }: Question): void => {
    const found = attempt(() => methods[method](question as never));
    if (found instanceof Promise) void found.catch(refusal).then((value) => post([toAnswer(ticket, value)]));
    else post([toAnswer(ticket, found)]);
  };

  port.on("message", (message: ToWorker) => {
    sort(message);
    do {
      gather();
      commit();
      const question = questions.shift();
      if (question !== undefined) answer(question);
    } while (orders.length > 0 || questions.length > 0);
    if (isClosing) {
      clearTimeout(timer);
      store.database.close();
      port.close();
    } else store.checkpoint(manyPages);
  });
  timer = setTimeout(checkOn, checkDelayMilliseconds);
  post([]);
}

function methodsOf(log: MerkleLog, upkeep: Upkeep): Readonly<Record<Method, (question: never) => unknown>> {
  return {
    head: () => log.head(),
    prove: (question) => log.prove(question),
    receipt: (question) => log.receipt(question),
    read: (question) => log.read(question),
    find: (question) => log.find(question),
    ping: () => log.ping(),
    epochs: () => upkeep.epochs(),
    tile: (question) => upkeep.tile(question),
    erase: (question) => upkeep.erase(question),
    rotateKey: (question) => upkeep.rotateKey(question),
    startEpoch: (question) => upkeep.startEpoch(question),
    backup: async (question) => upkeep.backup(question),
  };
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return refusal(error);
  }
}

/** What was asked wrongly is answered; a fault of the storage is not survived. */
function refusal(error: unknown): AgentKeysError {
  if (isStorageError(error)) throw error;
  return isAgentKeysError(error) ? error : new AgentKeysError("ERR_INTERNAL", "the question has no such form", {});
}

function isStorageError(error: unknown): boolean {
  return error instanceof Database.SqliteError || isAgentKeysError(error, "ERR_AUDIT_STORAGE");
}

function toAnswer(ticket: number, value: unknown): Answer {
  return isAgentKeysError(value) ? { ticket, error: toPlain(value) } : { ticket, value };
}

if (parentPort !== null) serveLog(parentPort, workerData as WorkerStart);
