// Every house rule, as data: a name, the sentence it holds, and what breaks it.
import { dependencyRules } from "./rules-dependencies.mjs";
import { manifestRules } from "./rules-manifests.mjs";
import { pluginRules } from "./rules-plugins.mjs";
import { programRules } from "./rules-programs.mjs";
import { stepRules } from "./rules-steps.mjs";
import { textRules } from "./rules-text.mjs";

/**
 * @typedef {object} Rule
 * @property {string} name kebab-case; what a report shows
 * @property {string} states the rule as a sentence
 * @property {(tree: import("./tree.mjs").Tree) => Iterable<{where: string, what: string}>} check
 */

/** @type {readonly Rule[]} */
export const rules = [
  ...dependencyRules,
  ...manifestRules,
  ...pluginRules,
  ...programRules,
  ...stepRules,
  ...textRules,
];

/**
 * What is broken in `tree`, rule by rule.
 *
 * @param {import("./tree.mjs").Tree} tree
 */
export function brokenIn(tree) {
  return rules.flatMap((rule) => [...rule.check(tree)].map((found) => ({ rule, ...found })));
}
