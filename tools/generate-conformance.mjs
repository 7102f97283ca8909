// Writes into the README of each plug-in what a run of its conformance cases found. `--check` writes nothing and fails where one is
// out of date; `npm test` does the same with the report of its own run.
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { conformanceOf, withConformance } from "@agentkeys/testkit";
import { root, runQuietly, tool } from "./checks.mjs";
import { KINDS } from "./house/tables.mjs";

const CONFORMANCE = new RegExp(`^(packages/(?:${KINDS.join("|")})-[^/]+)/test/conformance\\.test\\.ts$`);

/**
 * The READMEs that say something else than the report, with what they should be.
 *
 * @param {string} report a JSON report of Vitest
 * @returns {Promise<{path: string, due: string}[]>}
 */
export async function findStaleReadmes(report) {
  const stale = [];
  for (const file of JSON.parse(report).testResults) {
    const [, dir] = CONFORMANCE.exec(relative(root, file.name)) ?? [];
    if (dir === undefined) continue;
    const path = `${dir}/README.md`;
    const readme = await readFile(join(root, path), "utf8");
    const due = withConformance(readme, conformanceOf(JSON.stringify({ testResults: [file] })));
    if (due !== readme) stale.push({ path, due });
  }
  return stale;
}

async function runCases() {
  const folder = await mkdtemp(join(tmpdir(), "agentkeys-conformance-"));
  try {
    const file = join(folder, "report.json");
    const options = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const filters = KINDS.map((kind) => `packages/${kind}-*/test/conformance.test.ts`);
    const { code, output } = await runQuietly(tool("vitest", "run", ...options, ...globSync(filters, { cwd: root })));
    if (code !== 0) throw new Error(output);
    return await readFile(file, "utf8");
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const isCheck = process.argv.includes("--check");
  for (const { path, due } of await findStaleReadmes(await runCases())) {
    if (!isCheck) await writeFile(join(root, path), due);
    console.log(isCheck ? `${path}: Conformance is out of date: node tools/generate-conformance.mjs` : `wrote ${path}`);
    if (isCheck) process.exitCode = 1;
  }
}
