#!/usr/bin/env node
// Before anything native is imported: better-sqlite3 crashes on an older Node instead of saying so.
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 14)) {
  process.stderr.write(
    `ERR_CONFIG_NODE_VERSION: agentkeys-broker needs Node.js 22.14 or newer, this is ${process.versions.node}\n`,
  );
  process.exitCode = 78;
} else {
  // Starts after the first read compiled code instead of compiling 300 modules. It lies within the package, so whoever can change it can
  // change the program itself; where the folder cannot be written, each start compiles.
  const { enableCompileCache } = await import("node:module");
  enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url)));
  const { main } = await import("./main.ts");
  process.exitCode = await main(process.argv.slice(2));
}
