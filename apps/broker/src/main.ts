import { parseArgs } from "node:util";
import { describeError, isAgentKeysError } from "@agentkeys/core";
import { loadPlugins } from "./boot/compose.ts";
import { readConfig } from "./boot/read-config.ts";
import { startBroker } from "./boot/serve.ts";
import { createLogger } from "./ops/logger.ts";
import { confirm, recover } from "./programs/recover.ts";

const usage = `agentkeys-broker: credentials for agents, recorded before they are released

  agentkeys-broker [--config FILE]               start (without a file: ./agentkeys.toml if it is there, else the defaults)
  agentkeys-broker config check [--config FILE]  check the file and the plug-ins it names; opens no socket
  agentkeys-broker recover --new-epoch [--yes] [--config FILE]
                                                 go on with the log as it stands, as a new epoch; no broker may be running

Exit codes: 0 stopped as asked, 130 or 143 stopped by a second signal, 64 usage, 70 storage failed, 78 configuration, or data that needs an operator.
`;

/** The data is not to be served as it is: starting again changes nothing before an operator has looked. */
const refusals: ReadonlySet<string> = new Set([
  "ERR_AUDIT_LOG_KEY",
  "ERR_AUDIT_IN_USE",
  "ERR_AUDIT_REWOUND",
  "ERR_AUDIT_FORK",
  "ERR_AUDIT_HIGH_WATER",
]);

const exit = { usage: 64, storage: 70, failed: 1, config: 78 } as const;

/** Runs the program; answers its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        help: { type: "boolean" },
        "new-epoch": { type: "boolean" },
        yes: { type: "boolean" },
      },
    });
    if (values.help === true) {
      process.stdout.write(usage);
      return 0;
    }
    if (positionals.length === 0) return await run(values.config);
    if (positionals.join(" ") === "config check") return await check(values.config);
    if (positionals.join(" ") === "recover" && values["new-epoch"] === true)
      return await startAgain(values.config, values.yes === true);
    process.stderr.write(`unknown command: ${positionals.join(" ")}\n\n${usage}`);
    return exit.usage;
  } catch (error) {
    if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) {
      process.stderr.write(`${error.message}\n\n${usage}`);
      return exit.usage;
    }
    return explain(error);
  }
}

async function check(file: string | undefined): Promise<number> {
  const loaded = await loadPlugins(readConfig(file));
  for (const { selected, version } of loaded)
    process.stdout.write(`${selected.kind}.${selected.name}: ${selected.specifier} ${version}\n`);
  process.stdout.write("the configuration is good\n");
  return 0;
}

async function startAgain(file: string | undefined, isYes: boolean): Promise<number> {
  const config = readConfig(file);
  const question = `The log in ${config.dataDirectory} ends here and goes on as a new epoch. What a newer copy has beyond it is given up.`;
  if (!(await confirm(question, isYes))) {
    process.stderr.write("nothing was changed: this needs a yes on a terminal, or --yes\n");
    return exit.usage;
  }
  await recover(config, (line) => process.stdout.write(`${line}\n`));
  return 0;
}

async function run(file: string | undefined): Promise<number> {
  const config = readConfig(file);
  const logger = createLogger((line) => process.stderr.write(line), Date.now, config.logLevel);
  const running = await startBroker(
    config,
    logger,
    (text) => process.stderr.write(text),
    (error) => {
      explain(error);
      // Nothing may be acknowledged after a failed storage: no draining, no closing.
      process.exit(exit.storage);
    },
  );
  // Before it is said to be ready: whoever reads that may stop it at once.
  const stopped = new Promise<void>((resolve) => {
    for (const [signal, number] of [
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const)
      process.once(signal, () => {
        logger.info("stopping", { signal });
        // Whoever asks twice does not want to wait: what was acknowledged is durable already.
        process.once("SIGINT", () => process.exit(128 + number)).once("SIGTERM", () => process.exit(128 + number));
        resolve();
      });
  });
  process.stdout.write(`ready ${running.publicUrl}\n`);
  await stopped;
  await running.close();
  return 0;
}

function explain(error: unknown): number {
  if (!isAgentKeysError(error)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exit.failed;
  }
  process.stderr.write(`${error.code}: ${describeError(error.code)?.meaning ?? ""}\n`);
  for (const line of error.message.split("\n")) process.stderr.write(`  ${line}\n`);
  // A mistake in a plug-in's code: its author needs the place.
  if (error.code === "ERR_PLUGIN_FAILED" && error.cause instanceof Error)
    for (const line of (error.cause.stack ?? "").split("\n").slice(0, 3)) process.stderr.write(`  ${line}\n`);
  process.stderr.write(`  ${describeError(error.code)?.next ?? ""}\n`);
  return error.code.startsWith("ERR_CONFIG") || error.code.startsWith("ERR_PLUGIN") || refusals.has(error.code)
    ? exit.config
    : exit.failed;
}
