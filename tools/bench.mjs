// Measures AgentKeys against its bars on this machine: a table, or with --json the rows. Needs Linux and a build.
//
//   npm run bench -- [--json] [--strict] [--pairs 5] [--seconds 4] [--connections 64] [--only mint,append,verify,boot,…]
//
// --only large fills a log first (--records, a million unless told otherwise): minutes, so it is left out unless it is named. A missed bar ends with 0, with --strict with 1.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { benchBoot } from "./bench/boot.mjs";
import { Children } from "./bench/children.mjs";
import { benchInstall } from "./bench/install.mjs";
import { benchLargeLog } from "./bench/large-log.mjs";
import { benchMint, withLoad } from "./bench/mint.mjs";
import { root } from "./bench/packages.mjs";
import { benchRevocation } from "./bench/revocation.mjs";
import { formatTable } from "./bench/rows.mjs";
import { benchVerify } from "./bench/verify.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    pairs: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "64" },
    only: { type: "string", default: "install,boot,verify,append,revocation,mint" },
    records: { type: "string", default: "1000000" },
  },
});
const options = {
  pairs: count("pairs", values.pairs, 100),
  seconds: count("seconds", values.seconds, 60),
  connections: count("connections", values.connections, 1000),
  records: count("records", values.records, 10_000_000),
  say,
};

const children = new Children();
const folder = await mkdtemp(join(tmpdir(), "agentkeys-bench-"));
const parts = {
  install: benchInstall,
  boot: () => benchBoot(children, folder),
  verify: benchVerify,
  append: benchAppend,
  revocation: () => benchRevocation(children, join(folder, "revocation")),
  mint: () => benchMint(children, folder, options),
  large: () => benchLargeLog(children, folder, options, (use) => withLoad(children, options, use)),
};
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.once(signal, () => {
    void cleanUp().finally(() => process.exit(130));
  });
}

try {
  say(`${availableParallelism()} cores, Node ${process.versions.node}, load ${loadavg()[0]?.toFixed(1)} before`);
  const wanted = values.only.split(",");
  const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}"; one of ${Object.keys(parts).join(", ")}`);
  /** @type {import("./bench/rows.mjs").Row[]} */
  const rows = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (!wanted.includes(name)) continue;
    say(name);
    rows.push(...(await measure()));
  }
  console.log(values.json ? JSON.stringify(rows, null, 2) : `\n${formatTable(rows)}`);
  if (values.strict && rows.some(({ ok }) => !ok)) process.exitCode = 1;
} finally {
  await cleanUp();
}

async function cleanUp() {
  await children.stopAll();
  await rm(folder, { recursive: true, force: true });
}

/** The log's own benchmark: one row a line. */
async function benchAppend() {
  const program = join(root, "packages/audit-sqlite/bench/append.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=agentkeys-source", program], {
    cwd: root,
    timeout: 300_000,
  });
  return stdout
    .trim()
    .split("\n")
    .map((line) => /** @type {import("./bench/rows.mjs").Row} */ (JSON.parse(line)));
}

/** What goes on, beside the table. */
function say(/** @type {string} */ line) {
  console.error(line);
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} most
 */
function count(name, text, most) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`--${name} is a whole number from 1 to ${most}`);
  return value;
}
