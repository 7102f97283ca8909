// Programs: their first file must say which Node they need before anything newer or native is loaded.
import { posix } from "node:path";

/** `./dist/witness/bin.js` in a manifest is made from `src/witness/bin.ts`. */
const sourceOf = (dir, built) =>
  `${dir}/${built
    .replace(/^\.\//, "")
    .replace(/^dist\//, "src/")
    .replace(/\.js$/, ".ts")}`;

/** The files that are loaded with `path` before its first line runs, and every module they import that is not ours. */
function loadedWith(tree, path, files = new Set(), outside = new Set()) {
  const source = tree.code.find((item) => item.path === path);
  if (source === undefined || files.has(path)) return { files, outside };
  files.add(path);
  for (const { specifier, isType, isDynamic } of source.imports) {
    if (isType || isDynamic) continue;
    if (specifier.startsWith(".")) loadedWith(tree, posix.join(posix.dirname(path), specifier), files, outside);
    else outside.add(specifier);
  }
  return { files, outside };
}

/** Every program of the tree: its name, its package and its first file. */
const programs = (tree) =>
  [...tree.packages, ...tree.templates].flatMap(({ dir, manifest }) =>
    Object.entries(manifest.bin ?? {}).map(([name, built]) => ({ name, dir, first: sourceOf(dir, built) })),
  );

export const programRules = [
  {
    name: "program-is-there",
    states: "each program a package declares has a first file, and that file can be run",
    *check(tree) {
      for (const { name, dir, first } of programs(tree)) {
        const text = tree.files.get(first);
        if (text === undefined) yield { where: `${dir}/package.json`, what: `${name} has no ${first}` };
        else if (!text.startsWith("#!/usr/bin/env node\n")) yield { where: first, what: "it does not begin with #!" };
      }
    },
  },
  {
    name: "program-starts-bare",
    states: "a program's first file loads only Node itself, so that an old Node can still read what it says",
    *check(tree) {
      for (const { first } of programs(tree)) {
        for (const specifier of loadedWith(tree, first).outside) {
          if (!specifier.startsWith("node:"))
            yield { where: first, what: `loads ${specifier} before it has looked at the Node` };
        }
      }
    },
  },
  {
    name: "program-names-its-node",
    states: "a program's first file knows ERR_CONFIG_NODE_VERSION and exit code 78",
    *check(tree) {
      for (const { first } of programs(tree)) {
        const { files } = loadedWith(tree, first);
        const text = [...files].map((path) => tree.files.get(path)).join("\n");
        if (files.size === 0) continue;
        if (!text.includes("ERR_CONFIG_NODE_VERSION") || !/\b78\b/.test(text)) {
          yield { where: first, what: "it does not look at the Node that runs it" };
        }
      }
    },
  },
];
