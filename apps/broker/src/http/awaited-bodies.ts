import type { IncomingMessage } from "node:http";
import { AgentKeysError } from "@agentkeys/core";

/** The requests whose body is still on its way, by source: one that sends slowly must not hold all the room there is. */
export interface AwaitedBodies {
  /** Counts a request until its body has come, or until the answer is called. Throws ERR_REQUEST_OVERLOADED beyond the source's share. */
  hold(source: string, incoming: IncomingMessage): () => void;
}

/** Lets one source have at most `share` bodies on their way. */
export function createAwaitedBodies(share: number): AwaitedBodies {
  const awaited = new Map<string, number>();
  return {
    hold(source, incoming) {
      const count = awaited.get(source) ?? 0;
      if (count >= share)
        throw new AgentKeysError("ERR_REQUEST_OVERLOADED", `${share} bodies from there are on their way`, {});
      awaited.set(source, count + 1);
      let isHeld = true;
      const release = (): void => {
        if (!isHeld) return;
        isHeld = false;
        const left = (awaited.get(source) ?? 1) - 1;
        if (left > 0) awaited.set(source, left);
        else awaited.delete(source);
      };
      incoming.once("end", release);
      return release;
    },
  };
}

/** True where a body follows the header (RFC 9112 section 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": coding } = headers;
  return coding !== undefined || (length !== undefined && Number(length) > 0);
}
