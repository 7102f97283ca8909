import type { HostResponse } from "@agentkeys/core";
import { forever } from "./schema.ts";
import type { AnchorFarSide, FetchRequest } from "../../src/index.ts";

/** A far side behind `host.fetch`: a function from a request's body to an answer, and its faults. */
export interface TestFarSide {
  readonly faults: AnchorFarSide;
  readonly fetch: (request: FetchRequest) => Promise<HostResponse>;
}

/** Makes a far side that answers with `work`, or with `lie` while it lies. */
export function createFarSide(
  work: (request: FetchRequest) => { readonly status: number; readonly body?: unknown },
  lie: (request: FetchRequest) => { readonly status: number; readonly body?: unknown } = work,
): TestFarSide {
  let mode: "up" | "down" | "hang" | "lie" = "up";
  const set = (next: typeof mode) => (): void => {
    mode = next;
  };
  return {
    faults: { up: set("up"), down: set("down"), hang: set("hang"), lie: set("lie") },
    async fetch(request) {
      if (mode === "down") throw new Error("connect ECONNREFUSED");
      if (mode === "hang") return forever();
      const { status, body } = mode === "lie" ? lie(request) : work(request);
      const bytes = Uint8Array.from(Buffer.from(JSON.stringify(body ?? null)));
      return { status, headers: new Headers(), body: bytes };
    },
  };
}

/** The JSON that a request carries. */
export function bodyOf({ body = "null" }: FetchRequest): unknown {
  return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString());
}

/** The JSON that an answer carries. */
export function answerOf({ body }: HostResponse): unknown {
  return JSON.parse(Buffer.from(body).toString());
}
