// Writes docs/build/errors.md from the registry of @agentkeys/core, so that the page never says something else than the code.
//
//   node tools/generate-errors.mjs            writes the page
//   node tools/generate-errors.mjs --check    says whether it is up to date, by its exit code
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorRegistry } from "../packages/core/src/error-registry.ts";

const page = fileURLToPath(new URL("../docs/build/errors.md", import.meta.url));

const families = {
  CONFIG: "Configuration and set-up. Programs that end with one of these exit with 78.",
  PLUGIN: "Plug-ins: finding, loading and calling them.",
  REQUEST: "The HTTP request itself.",
  AUTH: "Proving who somebody is.",
  SESSION: "Sessions, tokens and DPoP; OAuth errors are named in brackets.",
  GRANT: "Agents, grants, rights and scopes.",
  WALLET: "Wallets, at the broker and on the person's machine.",
  AUDIT: "The log, receipts, heads and witnesses.",
  ISSUER: "Making the credential.",
  STORAGE: "The files that a program keeps.",
  INTERNAL: "Everything that nobody foresaw.",
};

const faults = {
  caller: "caller",
  operator: "operator",
  plugin: "plug-in's author",
  remote: "a far service",
  broker: "AgentKeys",
};

const columns = ["Code", "Status", "Retry", "Fault", "What happened", "What to do next"];

const intro = `# Errors

Every refusal has one of these codes, whoever tells it: a problem document of the broker, the command line, the client, the
verifier, a program's last line. Codes are append-only. \`agentkeys errors decode CODE\` says the same at a terminal.

- **Status** is that of the HTTP answer; codes that only programs tell have one too. On \`/oauth/*\` a 401 becomes a 400, except \`invalid_client\`.
- **Retry** \`now\`: the same call may succeed at once. \`later\`: after a while, or after \`retry_after\` where given. \`never\`: change something first.
- **Fault** says who has to act.
- Codes marked † show their caller neither message nor facts: the operator finds them in the broker's log, by the request id.

Written by \`node tools/generate-errors.mjs\` from \`packages/core/src/error-registry.ts\`.
`;

/** The page, for the registry given. */
export function errorsPage(registry = errorRegistry) {
  const rows = Object.entries(registry);
  const sections = Object.entries(families).map(([family, states]) => {
    const own = rows.filter(([code]) => code.split("_")[1] === family);
    return `\n## ${family}\n\n${states}\n\n${table(own.map(cellsOf))}`;
  });
  const homeless = rows.filter(([code]) => !Object.hasOwn(families, code.split("_")[1] ?? ""));
  if (homeless.length > 0) throw new Error(`codes of no known family: ${homeless.map(([code]) => code).join(", ")}`);
  return `${[intro.trimEnd(), ...sections].join("\n")}\n`;
}

/** @param {[string, import("../packages/core/src/error-registry.ts").ErrorRow<object>]} entry */
function cellsOf([code, row]) {
  const oauth = row.oauth === undefined ? "" : ` (\`${row.oauth}\`)`;
  return [
    `\`${code}\`${row.public ? "" : " †"}${oauth}`,
    String(row.status),
    row.retry,
    faults[row.fault],
    row.meaning,
    row.next,
  ];
}

/** Padded as the formatter would. @param {readonly string[][]} rows */
function table(rows) {
  const escaped = [columns, ...rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")))];
  const widths = columns.map((_, at) => Math.max(...escaped.map((cells) => (cells[at] ?? "").length)));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = escaped;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = errorsPage();
  if (process.argv.includes("--check")) {
    const isCurrent = readFileSync(page, "utf8") === text;
    if (!isCurrent) console.error("docs/build/errors.md is out of date: run node tools/generate-errors.mjs");
    process.exitCode = isCurrent ? 0 : 1;
  } else {
    writeFileSync(page, text);
  }
}
