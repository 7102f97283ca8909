import type { Call } from "@agentkeys/core";

/**
 * The context of one call into a plug-in: a deadline, and a signal that is only made when somebody looks at it, since most calls
 * on the mint path never do.
 */
export class PluginCall implements Call {
  readonly requestId: string;
  readonly deadline: number;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** A call that may take so many milliseconds from now on. */
  constructor(requestId: string, milliseconds: number) {
    this.requestId = requestId;
    this.deadline = Date.now() + milliseconds;
  }

  /** Aborts at the deadline. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      this.#timer = setTimeout(
        () => controller.abort(new DOMException("the deadline has passed", "TimeoutError")),
        Math.max(0, this.deadline - Date.now()),
      );
    }
    return this.#controller.signal;
  }

  /** Lets go of the timer: nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
