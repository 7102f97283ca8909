#!/usr/bin/env node
// Nothing is imported before the version is known, so that an old Node.js says what it lacks and does not fail at a syntax.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 14)) {
  process.stderr.write(
    `ERR_CONFIG_NODE_VERSION: agentkeys-verify needs Node.js 22.14 or newer; this is ${process.versions.node}.\n`,
  );
  process.exitCode = 78;
} else {
  const { main } = await import("./program/main.ts");
  process.exitCode = await main(process.argv.slice(2));
}
