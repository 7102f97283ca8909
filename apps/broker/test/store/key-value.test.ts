import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostStore, Json } from "@agentkeys/core";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../src/store/engine-store.ts";
import { openKeyValueStore } from "../../src/store/key-value.ts";

let folder: string;
let store: Store;
let time: number;
let space: HostStore;
let count = 0;
const newSpace = (): HostStore => openKeyValueStore(store, `auth.test-${count++}`, () => time);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "key-value-"));
  store = await openStore(join(folder, "broker.db"), {
    onFatal: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  time = 1_764_000_000_000;
  space = newSpace();
});

describe("the verbs", () => {
  test("put, get and delete keep, answer and drop any JSON", async () => {
    for (const value of [null, false, 0, "", [], {}, { a: [1, { b: "ü" }] }] satisfies Json[]) {
      await space.put("key", value);
      expect(await space.get("key")).toStrictEqual(value);
    }
    await space.delete("key");
    await space.delete("key");
    expect(await space.get("key")).toBeUndefined();
  });

  test("claim is true for exactly one of many callers at once, and changes nothing for the others", async () => {
    const claims = await Promise.all(Array.from({ length: 50 }, (_, number) => space.claim("key", number)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await space.get("key")).toBe(claims.indexOf(true));
  });

  test("take answers the value to exactly one of many callers at once", async () => {
    await space.put("key", "once");
    const taken = await Promise.all(Array.from({ length: 50 }, () => space.take("key")));
    expect(taken.filter((value) => value !== undefined)).toStrictEqual(["once"]);
  });

  test("a ttl ends at its instant, for every verb", async () => {
    await space.put("a", 1, 60);
    time += 59_999;
    expect(await space.get("a")).toBe(1);
    expect(await space.claim("a", 2)).toBe(false);
    expect(await space.list("")).toHaveLength(1);
    time += 1;
    expect(await space.get("a")).toBeUndefined();
    expect(await space.list("")).toHaveLength(0);
    expect(await space.take("a")).toBeUndefined();
    await space.put("a", 1, 60);
    time += 60_000;
    expect(await space.claim("a", 2, 60)).toBe(true);
    expect(await space.get("a")).toBe(2);
    await space.put("a", 3);
    time += 1e12;
    expect(await space.get("a")).toBe(3);
  });

  test("list takes its prefix as it stands: %, _, * and case are nothing special", async () => {
    const keys = ["a%b", "a_b", "axb", "A%b", "a%", "a", "b", "a%\u{10ffff}", "ä", "a%'"];
    await Promise.all(keys.map((key) => space.put(key, key)));
    const list = async (prefix: string): Promise<readonly string[]> => (await space.list(prefix)).map(({ key }) => key);
    expect(await list("a%")).toStrictEqual(["a%", "a%'", "a%b", "a%\u{10ffff}"]);
    expect(await list("a_")).toStrictEqual(["a_b"]);
    expect(await list("*")).toStrictEqual([]);
    expect(await list("")).toHaveLength(keys.length);
    expect(await space.list("a", 2)).toStrictEqual([
      { key: "a", value: "a" },
      { key: "a%", value: "a%" },
    ]);
  });

  test("list is 100 entries long unless told, and passes over the expired without counting them", async () => {
    await Promise.all(
      Array.from({ length: 150 }, (_, at) => space.put(`k${String(at).padStart(3, "0")}`, at, at < 20 ? 1 : 100)),
    );
    time += 1000;
    const entries = await space.list("k");
    expect(entries).toHaveLength(100);
    expect(entries[0]).toStrictEqual({ key: "k020", value: 20 });
  });

  test("one space sees nothing of another", async () => {
    const other = newSpace();
    await space.put("key", "mine");
    expect(await other.get("key")).toBeUndefined();
    expect(await other.claim("key", "theirs")).toBe(true);
    expect(await other.take("key")).toBe("theirs");
    expect(await space.get("key")).toBe("mine");
    expect(await other.list("")).toStrictEqual([]);
  });

  test("sweeping drops what has expired and nothing else", async () => {
    await store.write("sweepValues", { now: Number.MAX_SAFE_INTEGER });
    await space.put("short", 1, 1);
    await space.put("long", 1, 100);
    await space.put("endless", 1);
    time += 1000;
    expect(await store.write("sweepValues", { now: time })).toBe(1);
    expect(await store.write("sweepValues", { now: time })).toBe(0);
    expect((await space.list("")).map(({ key }) => key)).toStrictEqual(["endless", "long"]);
  });
});

describe("limits", () => {
  test("a key is 1 to 512 characters of well-formed text", async () => {
    await space.put("k".repeat(512), 1);
    for (const key of ["", "k".repeat(513), "\ud800"]) {
      await expect(space.put(key, 1), key).rejects.toMatchObject({ code: "ERR_INTERNAL" });
      await expect(space.get(key), key).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    }
  });

  test("a value is at most 64 KiB of JSON, and is JSON", async () => {
    await space.put("key", "v".repeat(64 * 1024 - 2));
    await expect(space.put("key", "v".repeat(64 * 1024 - 1))).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    await expect(space.put("key", "ü".repeat(32 * 1024))).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    await expect(space.put("key", undefined as unknown as Json)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
  });

  test("a ttl of 0, below, in part or without end is refused", async () => {
    for (const ttl of [0, -1, 1.5, Number.NaN, Infinity]) {
      await expect(space.put("key", 1, ttl), String(ttl)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
      await expect(space.claim("key", 1, ttl), String(ttl)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    }
    expect(await space.get("key")).toBeUndefined();
  });
});

/** The contract in memory. */
function openModel(): HostStore {
  const entries = new Map<string, { readonly value: Json; readonly expiresAt: number }>();
  const find = (key: string): Json | undefined => {
    const entry = entries.get(key);
    return entry === undefined || entry.expiresAt <= time ? undefined : entry.value;
  };
  const put = (key: string, value: Json, ttl = Infinity): void => {
    entries.set(key, { value, expiresAt: time + ttl * 1000 });
  };
  return {
    get: async (key) => find(key),
    put: async (key, value, ttl) => put(key, value, ttl),
    claim: async (key, value, ttl) => {
      if (find(key) !== undefined) return false;
      put(key, value, ttl);
      return true;
    },
    take: async (key) => {
      const value = find(key);
      entries.delete(key);
      return value;
    },
    delete: async (key) => void entries.delete(key),
    list: async (prefix) =>
      [...entries.keys()]
        .filter((key) => key.startsWith(prefix) && find(key) !== undefined)
        .toSorted()
        .map((key) => ({ key, value: find(key)! })),
  };
}

const key = fc.constantFrom("a", "a%", "a_", "ab", "b", "\u{1f511}");
const ttl = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });
const value = fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as Json);
type Step = (target: HostStore) => Promise<unknown>;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, value, ttl).map<Step>((entry) => (target) => target.put(...entry)),
  fc.tuple(key, value, ttl).map<Step>((entry) => (target) => target.claim(...entry)),
  fc.tuple(fc.constantFrom("get", "take", "delete", "list"), key).map<Step>(
    ([verb, at]) =>
      (target) =>
        target[verb](at),
  ),
);
const wait = fc.integer({ min: 0, max: 2 });

test("whatever is done in whatever order, it answers what the contract says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, wait), { maxLength: 25 }), async (steps) => {
      const subject = newSpace();
      const model = openModel();
      for (const [run, seconds] of steps) {
        expect(await run(subject)).toStrictEqual(await run(model));
        time += seconds * 1000;
      }
    }),
    { numRuns: 60 },
  );
});
