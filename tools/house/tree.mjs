// The repository as the rules see it. A fixture is the same thing made from an object.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseSource } from "./source.mjs";
import { KINDS } from "./tables.mjs";

const LEFT_OUT = new Set([
  "node_modules",
  "dist",
  ".git",
  ".tooling",
  ".turbo",
  ".agentkeys",
  ".agentkeys-test",
  "target",
]);
const TEXT = /\.(ts|mts|mjs|js|json|md|toml|yaml|yml|sh|html|css|sql|txt)$|^\.ci\/run$/;
const CODE = /\.(ts|mts|mjs|js)$/;

/**
 * @typedef {object} Package
 * @property {string} dir `packages/core`
 * @property {any} manifest
 * @property {string | undefined} kind auth, wallet, audit or issuer, when it is a plug-in
 * @property {import("./source.mjs").Source[]} sources what stands under `src`
 */

/**
 * @typedef {object} Tree
 * @property {Map<string, string>} files path to text
 * @property {import("./source.mjs").Source[]} code every TypeScript and JavaScript file
 * @property {Package[]} packages
 * @property {Package[]} templates plug-ins to be copied: no members of the workspace
 */

/**
 * @param {Record<string, string>} files path from the root to text
 * @returns {Tree}
 */
export function treeOf(files) {
  const code = Object.entries(files)
    .filter(([path]) => CODE.test(path))
    .map(([path, text]) => parseSource(path, text));
  const packages = Object.keys(files)
    .filter((path) => /^(packages|apps)\/[^/]+\/package\.json$/.test(path))
    .map((path) => packageOf(path.replace("/package.json", ""), JSON.parse(files[path] ?? ""), code));
  const templates = Object.keys(files)
    .filter((path) => /^templates\/[^/]+\/package\.json$/.test(path))
    .map((path) => packageOf(path.replace("/package.json", ""), JSON.parse(files[path] ?? ""), code));
  return { files: new Map(Object.entries(files)), code, packages, templates };
}

function packageOf(dir, manifest, code) {
  const kind = KINDS.find((name) => new RegExp(`^(packages/${name}-|templates/plugin-${name}$)`).test(dir));
  return { dir, manifest, kind, sources: code.filter((source) => source.path.startsWith(`${dir}/src/`)) };
}

/**
 * @param {string} root
 * @returns {Tree}
 */
export function readTree(root) {
  /** @type {Record<string, string>} */
  const files = {};
  for (const path of pathsIn(root, "")) if (TEXT.test(path)) files[path] = readFileSync(join(root, path), "utf8");
  return treeOf(files);
}

function pathsIn(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    // Made of templates/ when it is packed.
    if (path === "apps/create-agentkeys-plugin/templates") return [];
    if (LEFT_OUT.has(entry.name) || entry.name === "pnpm-lock.yaml") return [];
    return entry.isDirectory() ? pathsIn(root, path) : entry.isFile() ? [path] : [];
  });
}
