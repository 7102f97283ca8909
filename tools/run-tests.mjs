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
const ran = await runVitest(wanted);
// What the READMEs say of conformance is held against this very run.
if (wanted.length === 0 && counts.failed === 0) add(await checkReadmes(ran));

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
  const report = await readFile(results, "utf8").catch(() => "");
  await rm(folder, { recursive: true });
  const found = report === "" ? { passed: 0, failed: 0, skipped: 0 } : countTests(report);
  // A file that does not load and an error outside of any test fail the run without a failing test.
  if (code !== 0 && found.failed === 0) found.failed = 1;
  add(found);
  return report;
}

async function checkReadmes(report) {
  // Built only now, in an empty clone.
  const { findStaleReadmes } = await import("./generate-conformance.mjs");
  const stale = await findStaleReadmes(report);
  for (const { path } of stale) console.log(`${path}: Conformance is out of date: node tools/generate-conformance.mjs`);
  return stale.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function countTests(text) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(text);
  return {
    passed: numPassedTests,
    failed: numFailedTests,
    skipped: numPendingTests + numTodoTests,
  };
}
