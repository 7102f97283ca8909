import { createHash, hash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AgentKeysError,
  type Call,
  type HostFetchInit,
  type HostResponse,
  type Json,
  type PluginHost,
} from "@agentkeys/core";
import { createFakeStore, type FakeStore } from "./fake-store.ts";
import { fetchLoopback } from "./loopback-fetch.ts";

/** A request that a plug-in made by `host.fetch`. */
export interface FetchRequest extends HostFetchInit {
  readonly url: string;
}

/** How a fake host begins. */
export interface FakeHostOptions {
  /** Name of the config section; default the plug-in's name in a case, else `test`. */
  readonly name?: string;
  /** Default `https://keys.example`. */
  readonly publicUrl?: string;
  /** Milliseconds since the Unix epoch; default the start of 2026. */
  readonly now?: number;
  /** Randomness follows from it alone: two hosts of one seed give the same bytes. Default `agentkeys`. */
  readonly seed?: string;
  /** A folder to use; by default a temporary one is made when first asked for, and removed by `dispose`. */
  readonly dataDirectory?: string;
  /** Secrets by the path or variable name of their reference. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Answers `host.fetch`; by default loopback addresses are really fetched and nothing else. */
  readonly fetch?: (request: FetchRequest) => HostResponse | Promise<HostResponse>;
}

/** A line given to `host.log`. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Readonly<Record<string, Json>>;
}

/** A measurement given to `host.metric`. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
}

/** A host in the hand of a test: its clock stands until moved, its randomness is known, and all that passes is kept. */
export interface FakeHost extends PluginHost {
  readonly store: FakeStore;
  readonly logs: readonly LogLine[];
  readonly metrics: readonly Measurement[];
  readonly requests: readonly FetchRequest[];
  /** How many bytes of randomness were asked for. */
  readonly randomBytes: number;
  /** Moves the clock forward by so many milliseconds. */
  advance(milliseconds: number): void;
  /** Removes the temporary data directory, where one was made. */
  dispose(): Promise<void>;
}

/**
 * Makes a host for a plug-in's tests.
 *
 * @example
 * const host = createFakeHost({ secrets: { "secrets/smtp": "hunter2" } });
 * const method = await plugin.create(config, host);
 * host.advance(600_000);
 */
export function createFakeHost(options: FakeHostOptions = {}): FakeHost {
  const { name = "test", publicUrl = "https://keys.example", seed = "agentkeys", secrets = {} } = options;
  const answer = options.fetch ?? (({ url, ...init }: FetchRequest) => fetchLoopback(url, init));
  const respond = async (request: FetchRequest): Promise<HostResponse> => answer(request);
  const logs: LogLine[] = [];
  const metrics: Measurement[] = [];
  const requests: FetchRequest[] = [];
  let time = options.now ?? Date.UTC(2026, 0, 1);
  let randomBytes = 0;
  let draws = 0;
  let folder = options.dataDirectory;
  let made: string | undefined;
  const now = (): number => time;
  return {
    name,
    publicUrl,
    get dataDirectory() {
      if (folder === undefined) {
        made = mkdtempSync(join(tmpdir(), "agentkeys-testkit-"));
        folder = made;
      }
      return folder;
    },
    now,
    random(size) {
      randomBytes += size;
      draws += 1;
      return expand(`${seed}/${draws}`, size);
    },
    log(level, event, fields = {}) {
      logs.push({ level, event, fields: structuredClone(fields) });
    },
    metric(metric, value) {
      metrics.push({ name: metric, value });
    },
    async fetch(url, init = {}) {
      const request = { url, ...init };
      requests.push(request);
      return orAborted(respond(request), init.signal, url);
    },
    store: createFakeStore(now),
    async secret(reference) {
      const key = "file" in reference ? reference.file : reference.env;
      const value = Object.hasOwn(secrets, key) ? secrets[key] : undefined;
      if (value !== undefined) return value;
      const reason = "the fake host was given no such secret";
      throw new AgentKeysError("ERR_CONFIG_SECRET", reason, { reference: key, reason });
    },
    logs,
    metrics,
    requests,
    get randomBytes() {
      return randomBytes;
    },
    advance(milliseconds) {
      time += milliseconds;
    },
    async dispose() {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
      if (made === folder) folder = undefined;
      made = undefined;
    },
  };
}

/** What a call may be given. */
export interface CallOptions {
  /** Milliseconds until the deadline, by the host's clock and by the signal's. Default 10,000. */
  readonly timeout?: number;
  /** Aborts the call as well. */
  readonly signal?: AbortSignal;
}

/** A call as the broker's facade makes it: its signal aborts at the deadline. */
export function createCall(host: Pick<PluginHost, "now">, options: CallOptions = {}): Call {
  const { timeout = 10_000, signal } = options;
  const late = AbortSignal.timeout(timeout);
  return {
    requestId: `req_${hash("sha256", String(performance.now()), "hex").slice(0, 26)}`,
    signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    deadline: host.now() + timeout,
  };
}

/** A handler that never answers ends with the signal, as every fetch does. */
async function orAborted(
  work: Promise<HostResponse>,
  signal: AbortSignal | undefined,
  url: string,
): Promise<HostResponse> {
  if (signal === undefined) return work;
  const gone = Promise.withResolvers<never>();
  const abort = (): void => {
    const reason = "the call was aborted";
    gone.reject(new AgentKeysError("ERR_REQUEST_UNREACHABLE", `${url} could not be fetched`, { url, reason }));
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, gone.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function expand(seed: string, size: number): Uint8Array {
  return Uint8Array.from(
    createHash("shake256", { outputLength: Math.max(size, 1) })
      .update(seed)
      .digest()
      .subarray(0, size),
  );
}
