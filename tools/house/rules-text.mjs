// Names, sizes and words.
import { BUDGETS, LONGEST_FILE, PARTS } from "./tables.mjs";
import { linesOf, linesOfCode, nameOf } from "./source.mjs";

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|test-d|config|d|build|base))?\.[a-z]+$/;
const CODE = /\.(ts|mts|mjs|js)$/;
const TEST = /\.test(-d)?\.(ts|mjs)$/;
const TEST_CALLS = /^(it|test|describe|suite|bench)(\.\w+)*\.(only|skip|todo|fails)$/;

// Written so that this file does not hold what it looks for.
const UNFINISHED = new RegExp(
  `\\b(${["TO", "FIX"].map((word, index) => word + ["DO", "ME"][index]).join("|")}|X{3})\\b`,
);
const MACHINE = new RegExp(
  [
    `(?<![\\w.~-])/(${["work", "root", "tmp", "home", "Users"].join("|")})/[\\w.-]`,
    ["registry", "npmjs"].join("\\."),
  ].join("|"),
);
const SILENCERS = new RegExp(`@ts-(ignore|nocheck)|(eslint|oxlint|biome|prettier|oxfmt)-(disable|ignore)`);

/** A rule that looks for words, line by line. */
const wordRule = (name, states, pattern, looksAt = (/** @type {string} */ _path) => true) => ({
  name,
  states,
  *check(tree) {
    for (const [path, text] of tree.files) {
      if (!looksAt(path)) continue;
      for (const [index, line] of text.split("\n").entries()) {
        const found = pattern.exec(line);
        if (found !== null) yield { where: `${path}:${index + 1}`, what: found[0].trim() };
      }
    }
  },
});

const FOUNDATION_BUDGETS = { "packages/core": BUDGETS.core, "packages/log": BUDGETS.log };

/** The part of a plug-in's package that a file belongs to, where it is one that runs by itself. */
const partOf = (path) => PARTS.find(({ folder }) => path.startsWith(folder))?.folder;

const isOurs = (path) => /^(packages|apps|tools|test|templates)\//.test(path);

export const textRules = [
  {
    name: "kebab-case",
    states: "a file of code has a kebab-case name",
    *check(tree) {
      for (const { path } of tree.code.filter((source) => isOurs(source.path))) {
        if (!KEBAB.test(path.split("/").at(-1))) yield { where: path, what: "the name is not kebab-case" };
      }
    },
  },
  {
    name: "one-idea-a-file",
    states: `a file of code has at most ${LONGEST_FILE} lines`,
    *check(tree) {
      for (const { path, text } of tree.code.filter((source) => isOurs(source.path))) {
        if (linesOf(text) > LONGEST_FILE) yield { where: path, what: `${linesOf(text)} lines` };
      }
    },
  },
  {
    name: "package-size",
    states: `core and log have at most ${BUDGETS.core} lines of code; a plug-in, its program, its thread ${BUDGETS.plugin} each`,
    *check(tree) {
      for (const { dir, kind, sources } of [...tree.packages, ...tree.templates]) {
        const budget = kind === undefined ? (FOUNDATION_BUDGETS[dir] ?? Infinity) : BUDGETS.plugin;
        for (const [part, inPart] of Map.groupBy(sources, ({ path }) => partOf(path) ?? dir)) {
          const lines = inPart.map(linesOfCode).reduce((sum, count) => sum + count, 0);
          if (lines > budget) yield { where: part, what: `${lines} lines of code, more than ${budget}` };
        }
      }
    },
  },
  {
    name: "plain-type-names",
    states: "a type is a noun: no I in front, no Impl, Manager, Util or Helper behind",
    *check(tree) {
      const declares = ["TSInterfaceDeclaration", "TSTypeAliasDeclaration", "ClassDeclaration"];
      for (const source of tree.code.filter(({ path }) => isOurs(path))) {
        for (const node of source.nodes.filter(({ type }) => declares.includes(type))) {
          const name = node.id?.name ?? "";
          if (/^I[A-Z][a-z]|(Impl|Manager|Utils?|Helpers?)$/.test(name)) yield { where: source.path, what: name };
        }
      }
    },
  },
  {
    name: "exported-is-documented",
    states: "what a source file exports carries a docstring",
    *check(tree) {
      for (const source of tree.packages.flatMap(({ sources }) => sources)) {
        const documented = new Set();
        for (const node of source.program.body) {
          if (node.type !== "ExportNamedDeclaration" || !node.declaration) continue;
          const name = (node.declaration.id ?? node.declaration.declarations?.[0]?.id)?.name;
          // The second signature of an overloaded function stands under the docstring of the first.
          if (hasDocstring(source, node) || documented.has(name)) documented.add(name);
          else yield { where: source.path, what: `${name} has no docstring` };
        }
      }
    },
  },
  {
    name: "every-test-runs",
    states: "no test is focused, skipped, expected to fail or left for later",
    *check(tree) {
      for (const source of tree.code.filter(({ path }) => TEST.test(path))) {
        for (const node of source.nodes.filter(({ type }) => type === "CallExpression")) {
          const name = nameOf(node.callee) ?? "";
          if (TEST_CALLS.test(name)) yield { where: source.path, what: name };
        }
      }
    },
  },
  wordRule("nothing-left-for-later", "no file holds a note of work not done", UNFINISHED),
  wordRule("no-machine-in-the-tree", "no file names a folder of somebody's machine or a registry's host", MACHINE),
  wordRule("no-silenced-check", "no file turns a check off for itself", SILENCERS, (path) => CODE.test(path)),
];

function hasDocstring(source, node) {
  return source.comments.some(
    ({ type, value, end }) =>
      type === "Block" &&
      value.startsWith("*") &&
      end <= node.start &&
      source.text.slice(end, node.start).trim() === "",
  );
}
