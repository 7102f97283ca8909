// Takes each protection of tools/removals/ out, one at a time, and holds that its test then fails. `npm test` runs this.
import { tool, runQuietly } from "./checks.mjs";
import { assertFits } from "./removals/remove-protection.mjs";
import { removals } from "./removals/removals.mjs";

for (const removal of removals) assertFits(removal);
const survivors = [];
process.env["NO_COLOR"] = "1";
for (const { name, test } of removals) {
  process.env["AGENTKEYS_REMOVAL"] = name;
  const { code, output } = await runQuietly(tool("vitest", "run", "--bail=1", test));
  // A test file that does not even load proves nothing.
  const hasFailed = code !== 0 && /^ +Tests .*[1-9]\d* failed/mu.test(output);
  if (!hasFailed) survivors.push(`without "${name}", ${test} ${code === 0 ? "passes" : `did not run:\n${output}`}`);
}
for (const survivor of survivors) console.log(survivor);
process.exitCode = survivors.length === 0 ? 0 : 1;
