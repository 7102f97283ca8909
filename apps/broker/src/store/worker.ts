// The store's one writer. Takes every message that waits, runs them as one transaction, answers after the commit.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { EngineDefinition } from "./engine-command.ts";
import { createBatch } from "./engine-batch.ts";
import { openWriter } from "./engine-connection.ts";
import { carryError, type Ask, type FromWorker, type ToWorker, type WorkerStart } from "./engine-message.ts";

/** A transaction this long keeps the first of its callers waiting a few milliseconds more; a longer one helps nobody. */
const mostInBatch = 512;

if (parentPort === null) throw new TypeError("this file runs as a worker");
const port = parentPort;
const answer = (message: FromWorker): void => port.postMessage(message, []);

try {
  const { file, definition } = workerData as WorkerStart;
  const known = (await import(definition)) as EngineDefinition;
  const client = openWriter(file, known.migrations);
  const runBatch = createBatch(client, known.commands);
  port.on("message", (first: ToWorker) => {
    const asks: Ask[] = [];
    let isLast = false;
    const take = (message: ToWorker): void => {
      if (message === "close") isLast = true;
      else asks.push(...message);
    };
    take(first);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      take(next.message as ToWorker);
    }
    // A fault of the storage is not caught: it ends this worker, and the calling side sees it end.
    for (let at = 0; at < asks.length; at += mostInBatch)
      answer({ answers: runBatch(asks.slice(at, at + mostInBatch)) });
    if (!isLast) return;
    client.close();
    port.close();
  });
  answer({ ready: true });
} catch (error) {
  answer({ refused: carryError(error) });
  port.close();
}
