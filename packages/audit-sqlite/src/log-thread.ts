import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { AgentKeysError, Call, PluginHost } from "@agentkeys/core";
import { fromPlain, storageError, unavailableError } from "./errors.ts";
import {
  eventRandomBytes,
  type Answer,
  type AppendItem,
  type Method,
  type ToWorker,
  type WorkerStart,
} from "./protocol.ts";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: AgentKeysError) => void;
  readonly release: () => void;
}

// Requests of one turn must not keep the worker waiting for the whole turn: it is told every few, and gathers.
const itemsPerMessage = 32;
const mostUnanswered = 10_000;
const closeMilliseconds = 5000;

/** The broker's side of the log's thread. */
export class LogThread {
  readonly #host: PluginHost;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #items: AppendItem[] = [];
  #events = 0;
  #tickets = 0;
  #answered = 0;
  #stopped: string | undefined;

  private constructor(worker: Worker, host: PluginHost) {
    this.#worker = worker;
    this.#host = host;
    worker.on("message", (answers: readonly Answer[]) => answers.forEach((answer) => this.#settle(answer)));
    worker.on("error", (error: Error) => this.#fail(fromPlain(error)));
    this.#ended = new Promise((resolve) => {
      worker.on("exit", () => {
        this.#fail(storageError("the log's thread ended"));
        resolve();
      });
    });
  }

  /** Starts the thread, which opens the log. Throws what it could not be opened for. */
  static async open(start: WorkerStart, host: PluginHost): Promise<LogThread> {
    const isSource = import.meta.url.endsWith(".ts");
    const worker = new Worker(new URL(isSource ? "./thread/worker.ts" : "./thread/worker.js", import.meta.url), {
      workerData: start,
      ...(isSource ? { execArgv: ["--conditions=agentkeys-source"] } : {}),
    });
    try {
      // Rejects with the error that the thread ends with.
      await once(worker, "message");
    } catch (error) {
      await worker.terminate();
      throw fromPlain(error as Error);
    }
    return new LogThread(worker, host);
  }

  /** Why nothing is answered any more; undefined while the log works. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /** Sends the events of one caller, as JSON text of their list. */
  append(text: string, events: number, call: Call): Promise<unknown> {
    this.#assertOpen(call);
    const ticket = this.#tickets++;
    this.#items.push({ ticket, text });
    this.#events += events;
    if (this.#items.length === 1) setImmediate(() => this.#flush());
    if (this.#items.length === itemsPerMessage) this.#flush();
    return this.#answerTo(ticket, call);
  }

  /** Calls another method of the log, or of its upkeep. */
  ask(method: Method, question: unknown, call: Call): Promise<unknown> {
    this.#assertOpen(call);
    const ticket = this.#tickets++;
    this.#post({ ticket, method, question });
    return this.#answerTo(ticket, call);
  }

  /** Waits for what was sent before, then ends the thread. One that hangs is left to the end of the process. */
  async close(): Promise<void> {
    this.#stopped ??= "it is closed";
    this.#flush();
    this.#post("close");
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, closeMilliseconds);
    });
    await Promise.race([this.#ended, deadline]);
    clearTimeout(timer);
    void this.#worker.terminate();
    this.#rejectAll(unavailableError(this.#stopped));
  }

  #assertOpen({ signal, deadline }: Call): void {
    if (this.#stopped !== undefined) throw unavailableError(this.#stopped);
    if (signal.aborted || this.#host.now() >= deadline) throw unavailableError("the deadline has passed");
    if (this.#tickets - this.#answered >= mostUnanswered) throw unavailableError("too many calls wait for the disk");
  }

  #answerTo(ticket: number, { signal }: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        this.#waiting.delete(ticket);
        reject(unavailableError("it did not answer within the deadline"));
      };
      signal.addEventListener("abort", abandon, { once: true });
      this.#waiting.set(ticket, { resolve, reject, release: () => signal.removeEventListener("abort", abandon) });
    });
  }

  #flush(): void {
    if (this.#items.length === 0) return;
    this.#post({ items: this.#items, random: this.#host.random(eventRandomBytes * this.#events) });
    this.#items = [];
    this.#events = 0;
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message, []);
  }

  #settle({ ticket, value, error }: Answer): void {
    this.#answered++;
    const waiting = this.#waiting.get(ticket);
    if (waiting === undefined) return;
    this.#waiting.delete(ticket);
    waiting.release();
    if (error === undefined) waiting.resolve(value);
    else waiting.reject(fromPlain(error));
  }

  #fail(error: AgentKeysError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = error.message;
    this.#host.log("error", "audit_log_failed", { code: error.code, reason: error.message });
    this.#rejectAll(error);
  }

  #rejectAll(error: AgentKeysError): void {
    for (const { reject, release } of this.#waiting.values()) {
      release();
      reject(error);
    }
    this.#waiting.clear();
  }
}
