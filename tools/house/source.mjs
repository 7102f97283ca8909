// What the rules ask of one TypeScript or JavaScript file, read from its syntax tree rather than by searching text.
import { parseSync } from "oxc-parser";

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {string[]} names what is taken, by its exported name; empty for `import "x"` and `import("x")`
 * @property {boolean} isType nothing of it is left when the types are stripped
 * @property {boolean} isDynamic `import("x")`
 */

/**
 * @typedef {object} Source
 * @property {string} path
 * @property {string} text
 * @property {Import[]} imports imports and re-exports alike
 * @property {any[]} nodes every node of the syntax tree, in no special order
 * @property {any} program
 * @property {{type: string, value: string, start: number, end: number}[]} comments
 */

/**
 * @param {string} path
 * @param {string} text
 * @returns {Source}
 */
export function parseSource(path, text) {
  const parsed = parseSync(path, text);
  const nodes = nodesOf(parsed.program);
  return {
    path,
    text,
    program: parsed.program,
    comments: parsed.comments,
    nodes,
    imports: [...importsOf(parsed.program), ...dynamicImportsOf(nodes)],
  };
}

function nodesOf(root) {
  const found = [];
  const waiting = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (Array.isArray(value)) waiting.push(...value);
    else if (value !== null && typeof value === "object") {
      if (typeof value.type === "string") found.push(value);
      waiting.push(...Object.values(value));
    }
  }
  return found;
}

function importsOf(program) {
  const found = [];
  for (const node of program.body) {
    if (node.source === null || node.source === undefined) continue;
    const specifiers = node.specifiers ?? [];
    const isType = (node.importKind ?? node.exportKind) === "type";
    const areTypes =
      specifiers.length > 0 && specifiers.every((item) => (item.importKind ?? item.exportKind) === "type");
    found.push({
      specifier: node.source.value,
      names: specifiers.map((item) => (item.imported ?? item.local).name ?? "default"),
      isType: isType || areTypes,
      isDynamic: false,
    });
  }
  return found;
}

function dynamicImportsOf(nodes) {
  return nodes
    .filter((node) => node.type === "ImportExpression" && typeof node.source.value === "string")
    .map((node) => ({ specifier: node.source.value, names: [], isType: false, isDynamic: true }));
}

/** The name a call calls: `fetch`, `Date.now`, `process.stdout.write`; undefined for anything computed. */
export function nameOf(node) {
  if (node.type === "Identifier") return node.name;
  if (node.type === "MemberExpression" && !node.computed) {
    const owner = nameOf(node.object);
    return owner === undefined ? undefined : `${owner}.${node.property.name}`;
  }
  if (node.type === "ChainExpression") return nameOf(node.expression);
  return undefined;
}

/** Lines with something other than blanks and comments on them: what a reader must understand. */
export function linesOfCode(source) {
  let text = source.text;
  for (const comment of source.comments) {
    const blank = text.slice(comment.start, comment.end).replace(/[^\n]/g, " ");
    text = text.slice(0, comment.start) + blank + text.slice(comment.end);
  }
  return text.split("\n").filter((line) => line.trim() !== "").length;
}

/** All lines, the last newline not counted as one more. */
export function linesOf(text) {
  return text.replace(/\n$/, "").split("\n").length;
}

/** Every plug-in: the members of the workspace and those to be copied. */
export const pluginsOf = (tree) => [...tree.packages, ...tree.templates].filter(({ kind }) => kind !== undefined);
