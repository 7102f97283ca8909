import { loadPlugins } from "../boot/compose.ts";
import { readConfig } from "../boot/read-config.ts";
import { adopt } from "./adopt.ts";
import { backup } from "./backup.ts";
import { exit, print, UsageError, type Command, type Given } from "./command.ts";
import { examineAll, formatFindings } from "./doctor.ts";
import { keygen, rotatable, rotate } from "./keygen.ts";
import { checkConfig } from "./config-check.ts";
import { confirm, recover } from "./recover.ts";
import { restore } from "./restore.ts";
import { start } from "./start.ts";

const yes = { yes: { type: "boolean", short: "y", help: "do not ask" } } as const;
const newEpoch = { "new-epoch": { type: "boolean", help: "say that a new epoch of the log is meant" } } as const;

/** Every command of `agentkeys-broker`, in the order of its help. */
export const commands: readonly Command[] = [
  {
    name: "",
    takes: "",
    summary: "start (without a file: ./agentkeys.toml if it is there, else the defaults)",
    help: "It is ready when it says so on stdout. SIGTERM or SIGINT stops it; a second one at once.",
    examples: ["agentkeys-broker --config /etc/agentkeys/broker.toml"],
    words: 0,
    options: {},
    run: async ({ config }) => start(config),
  },
  {
    name: "config check",
    takes: "",
    summary: "check the file and the plug-ins it names; opens no socket",
    help: "Every mistake is told at once, with its path in the file; so is a right that its issuer can never serve.",
    examples: ["agentkeys-broker config check --config /etc/agentkeys/broker.toml"],
    words: 0,
    options: {},
    async run({ config }) {
      await checkConfig(readConfig(config), print);
      return exit.done;
    },
  },
  {
    name: "config schema",
    takes: "",
    summary: "print the JSON Schema of the file, for editors",
    help: "The sections of the plug-ins that the file names have their own schema in it. First line of the file: #:schema ./agentkeys.schema.json",
    examples: ["agentkeys-broker config schema > agentkeys.schema.json"],
    words: 0,
    options: {},
    async run({ config }) {
      const loaded = await loadPlugins(readConfig(config));
      // Its converter is of no use to a start.
      const { describeConfig } = await import("./config-schema.ts");
      print(JSON.stringify(describeConfig(loaded), undefined, 2));
      return exit.done;
    },
  },
  {
    name: "doctor",
    takes: "[--json]",
    summary: "look at all that the broker needs, running or not; changes nothing",
    help: `Exit code 1 where a line says fail, 78 where the configuration itself is unusable. Where no broker runs, each plug-in but
the log is tried on an empty passing folder: no data is opened or copied, nothing published.`,
    examples: ["agentkeys-broker doctor --json | jq '.findings[] | select(.status != \"ok\")'"],
    words: 0,
    options: { json: { type: "boolean", help: "one JSON object instead of lines" } },
    async run({ config, options }) {
      const { findings, json } = await examineAll(config);
      if (options["json"] === true) print(JSON.stringify(json));
      else for (const line of formatFindings(findings)) print(line);
      const failed = findings.filter(({ status }) => status === "fail");
      if (failed.length === 0) return exit.done;
      return failed.some(({ check }) => check === "configuration") ? exit.config : exit.failed;
    },
  },
  {
    name: "keygen",
    takes: `[--rotate ${rotatable.join("|")}]`,
    summary: "make the signing keys ahead of the first start, or a new one of a purpose",
    help: "With --rotate a running broker signs with the new key at once, without a restart; what the old one signed stays good.",
    examples: ["agentkeys-broker keygen --rotate workload"],
    words: 0,
    options: { rotate: { type: "string", help: `what the new key is for: ${rotatable.join(", ")}` } },
    async run({ config, options }) {
      const purpose = rotatable.find((one) => one === options["rotate"]);
      if (purpose !== undefined) await rotate(readConfig(config), purpose, print);
      else if (options["rotate"] === undefined) await keygen(readConfig(config), print);
      else throw new UsageError(`--rotate takes one of ${rotatable.join(", ")}`);
      return exit.done;
    },
  },
  {
    name: "backup",
    takes: "DIR",
    summary: "copy all that the broker keeps into an empty folder, while it runs or not",
    help: "The copy is consistent, and whole once DIR/manifest.json is there. It holds the signing keys. DIR must lie outside of data_dir.",
    examples: ["agentkeys-broker backup /var/backups/agentkeys/2026-11-24"],
    words: 1,
    options: {},
    async run({ config, words: [directory = ""] }) {
      await backup(readConfig(config), directory, print);
      return exit.done;
    },
  },
  {
    name: "restore",
    takes: "DIR --new-epoch [--yes]",
    summary: "put a backup into an empty data_dir, and go on with its log as a new epoch",
    help: "Ends every session in it: what was revoked after the backup would live again. No broker may be running.",
    examples: ["agentkeys-broker restore /var/backups/agentkeys/2026-11-24 --new-epoch"],
    words: 1,
    options: { ...newEpoch, ...yes },
    async run(given) {
      const config = readConfig(given.config);
      const question = `Puts ${given.words[0]} into ${config.dataDirectory} and goes on with its log as a new epoch. What came after the backup is given up.`;
      if (!(await isMeant(given, question))) return exit.usage;
      await restore(config, given.words[0] ?? "", print);
      return exit.done;
    },
  },
  {
    name: "recover",
    takes: "--new-epoch [--yes]",
    summary: "go on with the log as it stands, as a new epoch; no broker may be running",
    help: "For a log whose newest copy is lost. Its first record names the old origin, size and root.",
    examples: ["agentkeys-broker recover --new-epoch"],
    words: 0,
    options: { ...newEpoch, ...yes },
    async run(given) {
      const config = readConfig(given.config);
      const question = `The log in ${config.dataDirectory} ends here and goes on as a new epoch. What a newer copy has beyond it is given up.`;
      if (!(await isMeant(given, question))) return exit.usage;
      await recover(config, print);
      return exit.done;
    },
  },
  {
    name: "adopt",
    takes: "DATA_DIR [--high-water-dir DIR] [--yes]",
    summary: "close and seal the log of a broker that will not come back; this broker must be running",
    help: `Uses whose outcome nobody knows are closed as unknown, and the last record names this broker's log. No broker starts on
DATA_DIR after that. Its plug-ins are opened with this configuration's sections.`,
    examples: ["agentkeys-broker adopt /srv/broker-2/data --config /etc/agentkeys/broker.toml"],
    words: 1,
    options: { "high-water-dir": { type: "string", help: "of the dead broker; default DATA_DIR.high-water" }, ...yes },
    async run(given) {
      const [directory = ""] = given.words;
      const config = readConfig(given.config);
      if (!(await isAgreed(given, `Seals the log in ${directory}: no broker starts on it again.`))) return exit.usage;
      const highWater = given.options["high-water-dir"] ?? `${directory}.high-water`;
      await adopt(config, directory, String(highWater), print);
      return exit.done;
    },
  },
];

/** A new epoch is asked for by name, and by a yes on a terminal or `--yes`. */
async function isMeant(given: Given, question: string): Promise<boolean> {
  if (given.options["new-epoch"] !== true) throw new UsageError("this begins a new epoch of the log: give --new-epoch");
  return isAgreed(given, question);
}

async function isAgreed({ options }: Given, question: string): Promise<boolean> {
  if (await confirm(question, options["yes"] === true)) return true;
  process.stderr.write("nothing was changed: this needs a yes on a terminal, or --yes\n");
  return false;
}
