// Holds the tree to the house rules that no type and no linter sees. One broken rule, one line: where, what, rule.
// `--list` prints the rules.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { brokenIn, rules } from "./house/rules.mjs";
import { readTree } from "./house/tree.mjs";

if (process.argv.includes("--list")) {
  for (const { name, states } of rules) console.log(`${name}: ${states}`);
} else {
  const broken = brokenIn(readTree(dirname(dirname(fileURLToPath(import.meta.url)))));
  for (const { rule, where, what } of broken) console.error(`${where}: ${what} [${rule.name}: ${rule.states}]`);
  console.log(
    broken.length === 0 ? `house: all ${rules.length} rules hold` : `house: broken in ${broken.length} places`,
  );
  process.exitCode = broken.length === 0 ? 0 : 1;
}
