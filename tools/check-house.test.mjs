import { expect, it } from "vitest";
import { breaking, treeWith } from "./house/fixtures.mjs";
import { brokenIn, rules } from "./house/rules.mjs";
import { treeOf } from "./house/tree.mjs";

const brokenRules = (changes) => [...new Set(brokenIn(treeOf(treeWith(changes))).map(({ rule }) => rule.name))];

it("finds nothing to say about a tree that keeps every rule", () => {
  expect(brokenRules({})).toEqual([]);
});

it("has one breaking tree for every rule, and none for a rule that is gone", () => {
  expect(Object.keys(breaking).toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
});

it.each(Object.keys(breaking))("reports a tree that breaks %s as just that", (name) => {
  expect(brokenRules(breaking[name])).toEqual([name]);
});
