import type { Call } from "@agentkeys/core";

/**
 * The context of one call into a plug-in: a deadline, and a signal that is only made when somebody looks at it, since most calls
 * on the mint path never do.
 */
export function createCall(requestId: string, milliseconds: number): Call & { end(): void } {
  const deadline = Date.now() + milliseconds;
  let controller: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  return {
    requestId,
    deadline,
    get signal(): AbortSignal {
      if (controller === undefined) {
        controller = new AbortController();
        timer = setTimeout(
          () => controller?.abort(new DOMException("the deadline has passed", "TimeoutError")),
          Math.max(0, deadline - Date.now()),
        );
      }
      return controller.signal;
    },
    end: () => clearTimeout(timer),
  };
}
