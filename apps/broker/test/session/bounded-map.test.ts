import { expect, test } from "vitest";
import { BoundedMap } from "../../src/session/bounded-map.ts";

test("it holds the most it may, and drops the one not looked at for longest", () => {
  const map = new BoundedMap<string, number>(3);
  for (const [at, key] of ["a", "b", "c"].entries()) map.set(key, at);
  expect(map.get("a")).toBe(0);
  map.set("d", 3);
  expect(["a", "b", "c", "d"].map((key) => map.get(key))).toStrictEqual([0, undefined, 2, 3]);
  for (let count = 0; count < 1000; count++) map.set(String(count), count);
  expect(map.size).toBe(3);
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
