import { Worker } from "node:worker_threads";
import { unavailable } from "./refusal.ts";
import type { Answer, Question } from "./thread/worker.ts";

/** At most so many recoveries wait, a second or two of work: more are refused, so that nobody waits for what is past its deadline. */
const mostWaiting = 500;

interface Waiting {
  readonly resolve: (signer: string | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Recovers signers in a thread of its own, one after the other in the order they came: a millisecond or more of arithmetic each, in
 * which the broker could answer nobody else. The thread starts at the first signature and loads ethers there; it holds the process
 * up only while somebody waits. `method` is the name of the section.
 */
export class RecoveryThread {
  readonly #method: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #tickets = 0;
  #isClosed = false;

  constructor(method: string) {
    this.#method = method;
  }

  /** The lower-case address that signed the text (EIP-191), undefined where there is none. Throws ERR_AUTH_UNAVAILABLE. */
  recover(text: string, signature: string): Promise<string | undefined> {
    if (this.#isClosed) throw unavailable(this.#method, "the sign-in method is closed");
    if (this.#waiting.size >= mostWaiting) throw unavailable(this.#method, "too many signatures wait to be checked");
    this.#worker ??= this.#start();
    const ticket = this.#tickets++;
    const question: Question = { ticket, text, signature };
    const { promise, ...waiting } = Promise.withResolvers<string | undefined>();
    this.#waiting.set(ticket, waiting);
    this.#worker.ref();
    this.#worker.postMessage(question, []);
    return promise;
  }

  /** Ends the thread; who still waits is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
    this.#fail();
  }

  #start(): Worker {
    const isSource = import.meta.url.endsWith(".ts");
    const worker = new Worker(new URL(isSource ? "./thread/worker.ts" : "./thread/worker.js", import.meta.url), {
      name: "recovery",
      ...(isSource ? { execArgv: ["--conditions=agentkeys-source"] } : {}),
    });
    worker.on("message", ({ ticket, signer }: Answer) => {
      this.#waiting.get(ticket)?.resolve(signer ?? undefined);
      this.#waiting.delete(ticket);
      if (this.#waiting.size === 0) worker.unref();
    });
    // One that ended is replaced at the next signature. An error ends it too.
    worker.on("error", () => undefined);
    worker.on("exit", () => this.#fail());
    return worker;
  }

  #fail(): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values())
      reject(unavailable(this.#method, "the thread that checks signatures ended"));
    this.#waiting.clear();
  }
}
