import { createRequire } from "node:module";

const { name, version } = createRequire(import.meta.url)("../package.json") as { name: string; version: string };

/** This program with its version, e.g. `@agentkeys/broker 1.2.3`. */
export const program = `${name} ${version}`;
