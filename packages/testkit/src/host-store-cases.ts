import type { HostStore, Json } from "@agentkeys/core";
import type { ConformanceCase } from "./conformance.ts";
import { check, isSameJson } from "./expect.ts";
import { report } from "./subject.ts";

/** A host store under test: the broker's own, or the kit's fake one. */
export interface HostStoreFixture {
  readonly store: HostStore;
  /** Moves the clock that lifetimes are counted by forward. */
  advance(milliseconds: number): Promise<void> | void;
  /** The same store opened again, as after a restart; left out where nothing is kept on a disk. */
  reopen?(): Promise<HostStore>;
  /** A store of another plug-in over the same data. */
  neighbour?(): Promise<HostStore> | HostStore;
  close?(): Promise<void>;
}

/** The promises of `HostStore`. */
export const hostStoreCases: readonly ConformanceCase<HostStoreFixture>[] = [
  defineStoreCase(
    "STO-01",
    "what was put is got, as the same JSON, until it is put again or deleted",
    async ({ store }) => {
      check((await store.get("a")) === undefined, "an entry is there before it was put");
      for (const value of values) {
        await store.put("a", value);
        check(isSameJson(await store.get("a"), value), `${JSON.stringify(value).slice(0, 40)} came back otherwise`);
      }
      await store.delete("a");
      await store.delete("a");
      check((await store.get("a")) === undefined, "a deleted entry is still there");
    },
  ),
  defineStoreCase("STO-02", "the key is taken literally, up to 512 characters", async ({ store }) => {
    const keys = ["a", "A", "a%", "a_", "a:b", "'", "__proto__", "ä", "日本", "k".repeat(512), `${"k".repeat(511)}j`];
    for (const key of keys) await store.put(key, key);
    for (const key of keys) check((await store.get(key)) === key, `the key ${key.slice(0, 20)} is another's`);
  }),
  defineStoreCase("STO-03", "an entry is gone for every verb once its lifetime is over", async (fixture) => {
    const { store } = fixture;
    for (const name of ["got", "taken", "listed", "claimed"]) await store.put(name, 1, 10);
    await fixture.advance(9_999);
    check((await store.get("got")) === 1, "an entry is gone before its time");
    check((await store.list("")).length === 4, "an entry is not listed before its time");
    check(!(await store.claim("claimed", 2, 10)), "an entry could be claimed before its time");
    await fixture.advance(1);
    check((await store.get("got")) === undefined, "get answers what has outlived its lifetime");
    check((await store.take("taken")) === undefined, "take answers what has outlived its lifetime");
    check((await store.list("")).length === 0, "list holds what has outlived its lifetime");
    check(await store.claim("claimed", 2, 10), "what has outlived its lifetime bars a claim");
  }),
  defineStoreCase("STO-04", "a put without a lifetime stays, also where one with a lifetime was", async (fixture) => {
    const { store } = fixture;
    await store.put("a", 1, 1);
    await store.put("a", 2);
    await store.put("b", 1);
    await store.put("b", 2, 1);
    await fixture.advance(3_600_000);
    check((await store.get("a")) === 2, "an entry without a lifetime is gone");
    check((await store.get("b")) === undefined, "an entry outlived its new lifetime");
  }),
  defineStoreCase("STO-05", "claim is true for the first caller only, and leaves what is there", async ({ store }) => {
    const all = await Promise.all(Array.from({ length: 32 }, async (_, at) => store.claim("a", at, 60)));
    check(all.filter((isFirst) => isFirst).length === 1, "of many claims of one key not exactly one is true");
    check((await store.get("a")) === all.indexOf(true), "the value is not that of the claim that was true");
  }),
  defineStoreCase("STO-06", "take gives the value to one caller and deletes it", async ({ store }) => {
    await store.put("a", { n: 1 }, 60);
    const all = await Promise.all(Array.from({ length: 32 }, async () => store.take("a")));
    check(all.filter((value) => value !== undefined).length === 1, "of many takes of one key not exactly one has it");
    check(
      isSameJson(
        all.find((value) => value !== undefined),
        { n: 1 },
      ),
      "the taken value is another one",
    );
    check((await store.get("a")) === undefined, "a taken entry is still there");
    check(await store.claim("a", 2), "a taken entry bars a claim");
  }),
  defineStoreCase("STO-07", "list gives the entries of a prefix in key order, at most so many", async ({ store }) => {
    const keys = ["b", "a:2", "a:10", "a:1", "a%", "A:1", "ab", "a"];
    for (const key of keys) await store.put(key, { key });
    const expected = keys.filter((key) => key.startsWith("a:")).toSorted();
    const found = await store.list("a:");
    check(
      isSameJson(
        found,
        expected.map((key) => ({ key, value: { key } })),
      ),
      "the list is not the prefix's entries in order",
    );
    check((await store.list("a%")).length === 1, "the prefix is read as a pattern");
    check(
      isSameJson(
        (await store.list("a:", 2)).map(({ key }) => key),
        expected.slice(0, 2),
      ),
      "the limit is not kept",
    );
    for (let more = 0; more < 101; more++) await store.put(`many:${more}`, more);
    check((await store.list("many:")).length === 100, "the limit is not 100 by default");
  }),
  defineStoreCase("STO-08", "a written value is a copy: changing it afterwards changes nothing", async ({ store }) => {
    const value = { list: [1] };
    await store.put("a", value);
    value.list.push(2);
    const first = (await store.get("a")) as { list: number[] };
    check(isSameJson(first, { list: [1] }), "a value changed after it was put");
    first.list.push(3);
    check(isSameJson(await store.get("a"), { list: [1] }), "a value changed after it was got");
  }),
  defineStoreCase("STO-09", "what was written is there after the store is opened again", async (fixture) => {
    const { store } = fixture;
    await store.put("kept", 1);
    await store.put("taken", 1);
    await store.take("taken");
    const again = (await fixture.reopen?.()) ?? store;
    check((await again.get("kept")) === 1, "an entry did not survive");
    check((await again.get("taken")) === undefined, "a taken entry came back");
  }),
  defineStoreCase("STO-10", "another plug-in's store shares nothing with this one", async (fixture) => {
    const { store } = fixture;
    const other = await fixture.neighbour?.();
    await store.put("a", 1);
    check((await other?.get("a")) === undefined, "another plug-in reads the entry");
    check((await other?.take("a")) === undefined, "another plug-in takes the entry");
    await other?.delete("a");
    await other?.put("a", 2);
    check(
      ((await other?.list("")) ?? []).every(({ value }) => value === 2),
      "another plug-in lists the entry",
    );
    check((await store.get("a")) === 1, "another plug-in changed the entry");
  }),
];

const values: readonly Json[] = [
  null,
  false,
  0,
  -1.5,
  "",
  "text \u0000 ü 🙂",
  [],
  {},
  { a: { b: [1, null, "x"] } },
  "x".repeat(60_000),
];

function defineStoreCase(
  id: string,
  states: string,
  look: (fixture: HostStoreFixture) => Promise<void>,
): ConformanceCase<HostStoreFixture> {
  return {
    id,
    states,
    async run(make) {
      await report(states, async () => {
        const fixture = await make();
        try {
          await look(fixture);
        } finally {
          await fixture.close?.();
        }
      });
    },
  };
}
