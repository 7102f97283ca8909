import { randomBytes } from "node:crypto";
import type { Call, HostStore, Json, PluginHost } from "@agentkeys/core";

/** A host whose clock the test moves, and whose store, log and metrics it can read. */
export interface TestHost extends PluginHost {
  readonly logged: { readonly level: string; readonly event: string; readonly fields: unknown }[];
  readonly measured: Map<string, number>;
  /** Everything that is live in the store. */
  entries(): readonly (readonly [string, Json])[];
  pass(milliseconds: number): void;
  /** A call that ends `milliseconds` from now. */
  call(milliseconds?: number, signal?: AbortSignal): Call;
}

/** Makes a host whose secrets are `secrets`, by file name. */
export function createTestHost(secrets: Readonly<Record<string, string>> = {}): TestHost {
  let time = Date.UTC(2030, 0, 1);
  const rows = new Map<string, { readonly value: Json; readonly until: number }>();
  const live = (key: string): Json | undefined => {
    const row = rows.get(key);
    return row !== undefined && row.until > time ? row.value : undefined;
  };
  const put = (key: string, value: Json, ttl = Infinity): void => {
    rows.set(key, { value, until: time + ttl * 1000 });
  };
  const entries = (): (readonly [string, Json])[] =>
    [...rows.keys()].flatMap((key) => {
      const value = live(key);
      return value === undefined ? [] : [[key, value] as const];
    });
  const store: HostStore = {
    get: async (key) => live(key),
    put: async (key, value, ttl) => put(key, value, ttl),
    claim: async (key, value, ttl) => {
      if (live(key) !== undefined) return false;
      put(key, value, ttl);
      return true;
    },
    take: async (key) => {
      const value = live(key);
      rows.delete(key);
      return value;
    },
    delete: async (key) => {
      rows.delete(key);
    },
    list: async (prefix, limit = 100) =>
      entries()
        .filter(([key]) => key.startsWith(prefix))
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .slice(0, limit)
        .map(([key, value]) => ({ key, value })),
  };
  const logged: TestHost["logged"] = [];
  const measured = new Map<string, number>();
  return {
    name: "email",
    publicUrl: "https://keys.example",
    dataDirectory: "",
    now: () => time,
    random: (size) => randomBytes(size),
    log: (level, event, fields) => logged.push({ level, event, fields }),
    metric: (name, value) => measured.set(name, (measured.get(name) ?? 0) + value),
    fetch: () => Promise.reject(new Error("this plug-in fetches nothing")),
    store,
    secret: async (reference) => ("file" in reference ? secrets[reference.file] : undefined) ?? "",
    logged,
    measured,
    entries,
    pass: (milliseconds) => {
      time += milliseconds;
    },
    call: (milliseconds = 10_000, signal = new AbortController().signal) => ({
      requestId: "req_1",
      signal,
      deadline: time + milliseconds,
    }),
  };
}
