#!/usr/bin/env node
// Nothing else is loaded before the Node is known to be new enough, so that an old one can still say which it needs.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 14)) {
  process.stderr.write(
    `ERR_CONFIG_NODE_VERSION: create-agentkeys-plugin needs Node.js 22.14 or newer, this is ${process.versions.node}\n`,
  );
  process.exitCode = 78;
} else {
  const { main } = await import("./main.ts");
  process.exitCode = await main(process.argv.slice(2));
}
