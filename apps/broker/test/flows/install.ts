// Plug-ins of a test's own, where a broker under test finds them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Folder of the plug-ins; what they import is resolved from the broker's package. */
export const modules = join(import.meta.dirname, "../../.agentkeys-test/node_modules/@acme");

/** Installs a package `@acme/<name>`. Its source may use `config`, a schema that takes anything, and `life`: always ready. */
export function install(name: string, source: string): void {
  mkdirSync(join(modules, name), { recursive: true });
  writeFileSync(
    join(modules, name, "package.json"),
    JSON.stringify({
      name: `@acme/${name}`,
      version: "1.0.0",
      type: "module",
      exports: { ".": { default: "./index.js" } },
    }),
  );
  writeFileSync(
    join(modules, name, "index.js"),
    `const config = { "~standard": { version: 1, vendor: "acme", validate: (value) => ({ value }) } };
const life = { ready: async () => ({ status: "ready" }), close: async () => undefined };
${source}`,
  );
}
