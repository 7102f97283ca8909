import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { conformanceOf, withConformance } from "./readme/conformance-section.ts";

const help = `Writes what a run of the conformance kit found into a plug-in's README, under "## Conformance".

  vitest run test/conformance.test.ts --reporter=json --outputFile=.vitest/conformance.json
  agentkeys-conformance .vitest/conformance.json [README.md]

  --check    write nothing; exit with 1 unless the README says just that already
  --help     this

Exit codes: 0 done · 1 a case failed or did not run, or the README is out of date · 2 it was called wrongly.
`;

/** The program `agentkeys-conformance`. Answers its exit code. */
export function main(args: readonly string[]): number {
  const asked = parse(args);
  if (asked === undefined) {
    process.stderr.write(help);
    return 2;
  }
  if (asked.isHelp) {
    process.stdout.write(help);
    return 0;
  }
  try {
    const found = conformanceOf(readFileSync(asked.report, "utf8"));
    const readme = readFileSync(asked.readme, "utf8");
    const due = withConformance(readme, found);
    if (asked.isCheck && due !== readme) throw new Error(`${asked.readme} is out of date: run this without --check`);
    if (due !== readme) writeFileSync(asked.readme, due);
    process.stdout.write(`${found}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`agentkeys-conformance: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

interface Asked {
  readonly isHelp: boolean;
  readonly isCheck: boolean;
  readonly report: string;
  readonly readme: string;
}

function parse(args: readonly string[]): Asked | undefined {
  try {
    const options = { check: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { check: isCheck = false, help: isHelp = false } = values;
    const [report = "", readme = "README.md", ...others] = positionals;
    return others.length > 0 || (report === "" && !isHelp) ? undefined : { isHelp, isCheck, report, readme };
  } catch {
    return undefined;
  }
}
