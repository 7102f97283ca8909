import type { HostStore, Json } from "@agentkeys/core";

/** One live entry, as a case looks at it. */
export interface StoredEntry {
  readonly key: string;
  readonly value: Json;
  /** Milliseconds since the Unix epoch at which it is gone; undefined when it stays. */
  readonly until?: number;
}

/** The store of a fake host: the exact promises of `HostStore`, in memory, and what a test wants to see of it. */
export interface FakeStore extends HostStore {
  /** Every live entry in key order. */
  entries(): readonly StoredEntry[];
  /** How many verbs were called so far. */
  readonly uses: number;
}

/**
 * Makes a store whose entries age by `now`. A key or lifetime outside the contract is a RangeError: the plug-in's own mistake, which
 * a case then sees as a crash.
 */
export function createFakeStore(now: () => number): FakeStore {
  const rows = new Map<string, { readonly text: string; readonly until: number | undefined }>();
  let uses = 0;
  const use = (key: string, ttl?: number): void => {
    uses += 1;
    if (typeof key !== "string" || key.length < 1 || key.length > 512 || !key.isWellFormed())
      throw new RangeError("a store key has 1 to 512 well-formed characters");
    if (ttl !== undefined && !(Number.isSafeInteger(ttl) && ttl > 0))
      throw new RangeError("a lifetime is in whole seconds, at least one");
  };
  const live = (key: string): Json | undefined => {
    const row = rows.get(key);
    if (row === undefined) return undefined;
    if (row.until === undefined || row.until > now()) return JSON.parse(row.text) as Json;
    rows.delete(key);
    return undefined;
  };
  const write = (key: string, value: Json, ttl: number | undefined): void => {
    const text = JSON.stringify(value);
    if (new TextEncoder().encode(text).length > 65_536) throw new RangeError("a value is at most 64 KiB of JSON");
    rows.set(key, { text, until: ttl === undefined ? undefined : now() + ttl * 1000 });
  };
  const entries = (): StoredEntry[] =>
    [...rows.keys()].toSorted().flatMap((key) => {
      const value = live(key);
      const until = rows.get(key)?.until;
      return value === undefined ? [] : [{ key, value, ...(until === undefined ? {} : { until }) }];
    });
  return {
    get uses() {
      return uses;
    },
    entries,
    // Each verb decides before it yields, which makes it atomic, and answers a turn later, as a real store does.
    async get(key) {
      use(key);
      return live(key);
    },
    async put(key, value, ttl) {
      use(key, ttl);
      write(key, value, ttl);
    },
    async claim(key, value, ttl) {
      use(key, ttl);
      if (live(key) !== undefined) return false;
      write(key, value, ttl);
      return true;
    },
    async take(key) {
      use(key);
      const value = live(key);
      rows.delete(key);
      return value;
    },
    async delete(key) {
      use(key);
      rows.delete(key);
    },
    async list(prefix, limit = 100) {
      uses += 1;
      return entries()
        .filter(({ key }) => key.startsWith(prefix))
        .slice(0, limit)
        .map(({ key, value }) => ({ key, value }));
    },
  };
}
