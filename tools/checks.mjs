// What is checked besides the tests, one program each. `npm run check` runs these, `npm test` these and the tests.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** By its path: `pnpm exec` looks at the whole installation first. */
export const tool = (name, ...args) => [join(root, "node_modules/.bin", name), ...args];

const turbo = (task) => tool("turbo", "run", task, "--continue", "--output-logs=errors-only");

/** In order: a later one may need what an earlier one made. */
export const checks = [
  { name: "build", command: turbo("build") },
  { name: "types", command: turbo("typecheck") },
  { name: "types of the tools", command: tool("tsc", "-p", "tools/tsconfig.json") },
  { name: "types of the tests", command: tool("tsc", "-p", "test/tsconfig.json") },
  { name: "lint", command: tool("oxlint", "--type-aware", "--deny-warnings") },
  { name: "format", command: tool("oxfmt", "--check") },
  { name: "house rules", command: ["node", "tools/check-house.mjs"] },
  { name: "unused code and dependencies", command: tool("knip", "--no-config-hints") },
  { name: "tests that miss what they hold", command: ["node", "tools/check-removals.mjs"] },
  { name: "packages as they are published", command: ["node", "tools/check-packages.mjs"] },
];

/**
 * Runs every check, one line each and all that it said where it fails.
 *
 * @returns {Promise<{passed: number, failed: number}>}
 */
export async function runChecks() {
  const counts = { passed: 0, failed: 0 };
  for (const { name, command } of checks) {
    const started = Date.now();
    const { code, output } = await runQuietly(command);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    if (code !== 0) console.log(output);
    console.log(`${code === 0 ? "passed" : "FAILED"}  ${name} (${seconds} s)`);
    counts[code === 0 ? "passed" : "failed"] += 1;
  }
  return counts;
}

/**
 * Runs a program in the repository and keeps what it prints.
 *
 * @param {string[]} command
 * @returns {Promise<{code: number, output: string}>}
 */
export function runQuietly([program = "", ...args]) {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
