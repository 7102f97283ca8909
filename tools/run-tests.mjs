// `npm test`: every check, then every test; the last line counts both. `npm test -- packages/core` runs tests alone.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checks, root, runChecks, runQuietly, tool } from "./checks.mjs";

const wanted = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };

if (wanted.length === 0) add(await runChecks());
else await buildFirst();
add(await runVitest(wanted));

const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;

function add(more) {
  for (const key of Object.keys(more)) counts[key] += more[key];
}

/** The tests that start programs need them built. */
async function buildFirst() {
  const { code, output } = await runQuietly(checks[0]?.command ?? []);
  if (code !== 0) throw new Error(output);
}

async function runVitest(paths) {
  const folder = await mkdtemp(join(tmpdir(), "agentkeys-test-"));
  const results = join(folder, "results.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  const [vitest = "", ...args] = tool("vitest", "run", ...reporters, ...paths);
  const code = await new Promise((resolve) => {
    spawn(vitest, args, { cwd: root, stdio: "inherit" }).on("close", resolve);
  });
  const found = await readFile(results, "utf8").then(countTests, () => ({ passed: 0, failed: 0, skipped: 0 }));
  await rm(folder, { recursive: true });
  // A file that does not load and an error outside of any test fail the run without a failing test.
  if (code !== 0 && found.failed === 0) found.failed = 1;
  return found;
}

function countTests(text) {
  const report = JSON.parse(text);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
