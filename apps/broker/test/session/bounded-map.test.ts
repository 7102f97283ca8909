import { expect, test } from "vitest";
import { BoundedMap } from "../../src/session/bounded-map.ts";

test("it keeps the most it may of those looked at last, and never more than twice as many", () => {
  const map = new BoundedMap<string, number>(3);
  for (let count = 0; count < 1000; count++) {
    map.set(String(count), count);
    expect(map.size).toBeLessThanOrEqual(6);
    const last = Array.from({ length: Math.min(3, count + 1) }, (_, back) => count - back);
    for (const kept of last) expect(map.get(String(kept))).toBe(kept);
  }
  expect(map.get("0")).toBeUndefined();
});

test("looking keeps an entry, however many others come", () => {
  const map = new BoundedMap<string, number>(3);
  map.set("kept", 7);
  for (let count = 0; count < 1000; count++) {
    map.set(String(count), count);
    expect(map.get("kept")).toBe(7);
  }
});

test("the newest value of a key is the one that is found, in whichever half it stands", () => {
  const map = new BoundedMap<string, number>(2);
  for (let count = 0; count < 50; count++) {
    map.set("a", count);
    map.set(`other ${count}`, 0);
    expect(map.get("a")).toBe(count);
  }
});

test("setting a key again replaces its value and drops nothing", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 1);
  map.set("a", 2);
  expect([map.get("a"), map.get("b"), map.size]).toStrictEqual([2, 1, 2]);
});

test("a deleted entry is gone and no other", () => {
  const map = new BoundedMap<string, number>(9);
  map.set("a", 1);
  map.set("b", 2);
  map.delete("a");
  expect([map.get("a"), map.get("b"), map.size]).toStrictEqual([undefined, 2, 1]);
});
