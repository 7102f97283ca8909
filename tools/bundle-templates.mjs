// Before create-agentkeys-plugin is packed: takes the templates into its package, without what building and testing them has left.
import { cpSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./checks.mjs";

const LEFT_OUT = new Set(["node_modules", "dist", ".vitest", "package-lock.json"]);
const bundled = join(root, "apps/create-agentkeys-plugin/templates");

rmSync(bundled, { recursive: true, force: true });
cpSync(join(root, "templates"), bundled, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });

// A package.json inside of a package would count for tools that look for one.
for (const template of readdirSync(bundled))
  renameSync(join(bundled, template, "package.json"), join(bundled, template, "_package.json"));
