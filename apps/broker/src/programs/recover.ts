import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { AgentKeysError, type AuditLog, type EpochStart, type Plugin, type PluginHost } from "@agentkeys/core";
import { loadPlugins } from "../boot/compose.ts";
import { createHost } from "../boot/host.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import { createGuard } from "../facade/guard.ts";
import { createLogFacade } from "../facade/log.ts";
import { openHighWaterFile } from "../ops/high-water.ts";
import { createLogger } from "../ops/logger.ts";
import { openStore } from "../store/engine-store.ts";
import { openKeyValueStore } from "../store/key-value.ts";

/** A log is opened, and an epoch begun, within this time, in milliseconds. */
const patience = 300_000;

/** What happened, in lines for a person. */
export type Tell = (line: string) => void;

/**
 * `recover --new-epoch`: with no broker running, goes on with the log as it stands in data_dir, under a new origin whose first record
 * names the old one, its size and root. The high-water file then stands at the new epoch's head. Throws as the log's plug-in does.
 */
export async function recover(config: BrokerConfig, tell: Tell): Promise<EpochStart> {
  const loaded = await loadPlugins(config);
  const found = loaded.find(({ selected }) => selected.needs === "log");
  const plugin = found?.plugin as Plugin<"audit", unknown, AuditLog> | undefined;
  if (found === undefined || plugin?.startEpoch === undefined)
    throw new AgentKeysError("ERR_CONFIG_INVALID", "audit.log: this log knows no epochs", {
      issues: ["audit.log: this log knows no epochs"],
    });
  const file = await openHighWaterFile(config.highWaterDirectory);
  const logger = createLogger((line) => process.stderr.write(line), Date.now, config.logLevel);
  const fail = (error: Error): never => {
    throw error;
  };
  const store = await openStore(join(config.dataDirectory, "broker.db"), { onFatal: fail });
  try {
    const { name } = found.selected;
    const host = createHost({
      kind: "audit",
      name,
      publicUrl: config.publicUrl,
      dataDirectory: config.dataDirectory,
      origin: config.origin,
      allowPrivate: config.allowPrivate,
      now: Date.now,
      logger,
      measure: () => undefined,
      store: openKeyValueStore(store, `audit.${name}`, Date.now),
    });
    const guard = createGuard(`audit(${name})`, patience);
    const started = await guard.run("startEpoch", "recover", async () =>
      (plugin as Required<typeof plugin>).startEpoch(found.config, host),
    );
    await file.write(await readHead(plugin, found.config, host, name));
    await store.write("unsealLog");
    const { origin, previous } = started;
    tell(`the log ${previous.origin} ends at ${previous.size} records, root ${previous.root}`);
    tell(`the log goes on as ${origin}; its first record names the old one`);
    tell("receipts of before stay good; whoever pins the log's key takes the new one from /.well-known/agentkeys");
    return started;
  } finally {
    await store.close();
  }
}

/** Asks on a terminal; with `isYes`, or without a terminal to ask on, answers at once. */
export async function confirm(question: string, isYes: boolean): Promise<boolean> {
  if (isYes || !process.stdin.isTTY) return isYes;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await asking.question(`${question} Type yes to go on: `)).trim() === "yes";
  } finally {
    asking.close();
  }
}

async function readHead(
  plugin: Plugin<"audit", unknown, AuditLog>,
  settings: unknown,
  host: PluginHost,
  name: string,
): Promise<string> {
  const guard = createGuard(`audit(${name})`, patience);
  const instance = await guard.run("create", "recover", () => plugin.create(settings, host));
  const log = createLogFacade(name, instance, guard, () => undefined);
  try {
    return (await log.head("recover")).note;
  } finally {
    await log.close();
  }
}
