import { resolve } from "node:path";
import * as v from "valibot";
import { compose } from "../boot/compose.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import { backUp } from "../ops/backup.ts";
import { askControl } from "../ops/control.ts";
import { createLogger } from "../ops/logger.ts";
import { assertApart } from "./apart.ts";
import type { Tell } from "./recover.ts";

const patience = 3_600_000;
const summary = v.object({ files: v.number(), bytes: v.number(), origin: v.string(), size: v.number() });

/** What a backup holds, in numbers. */
export type BackupSummary = v.InferOutput<typeof summary>;

/**
 * `backup DIR`: a running broker makes the copy and goes on; where none runs, this does. Throws {@link UsageError} before anything is made
 * where one folder lies in the other.
 */
export async function backup(config: BrokerConfig, directory: string, tell: Tell): Promise<void> {
  const target = resolve(directory);
  assertApart(target, config.dataDirectory);
  tell(`copying ${config.dataDirectory} to ${target}`);
  const told = await askControl(config.dataDirectory, "backup", { directory: target }, patience);
  const made = told === undefined ? await backUpHere(config, target) : v.parse(summary, told);
  tell(`${made.files} files, ${made.bytes} bytes; the log ${made.origin} at ${made.size} records`);
  tell("the copy holds the signing keys: keep it as you keep them");
}

async function backUpHere(config: BrokerConfig, directory: string): Promise<BackupSummary> {
  const logger = createLogger((line) => process.stderr.write(line), Date.now, config.logLevel);
  const { broker, close } = await compose(config, logger, (error) => {
    throw error;
  });
  try {
    await broker.outbox.drain();
    return summarize(await backUp({ ...broker, dataDirectory: config.dataDirectory }, directory));
  } finally {
    await close();
  }
}

/** The numbers of a manifest. */
export function summarize({ files, head }: Awaited<ReturnType<typeof backUp>>): BackupSummary {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return { files: files.length, bytes, origin: head.origin, size: head.size };
}
