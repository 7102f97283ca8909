import { chmod, copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { BrokerConfig } from "../boot/read-config.ts";
import { createRandom } from "../boot/random.ts";
import { isMissing, syncFile, syncFolder } from "../files/durable.ts";
import { readManifest, type Manifest } from "../files/manifest.ts";
import { newEvent } from "../flows/event.ts";
import { createReadings } from "../store/readings.ts";
import { openStore } from "../store/engine-store.ts";
import { assertApart } from "./apart.ts";
import { recover, type Tell } from "./recover.ts";

/**
 * `restore DIR --new-epoch`: puts a backup into a data_dir that is empty or not there, ends every session and code in it, and goes on
 * with the log as a new epoch. What was taken away after the backup would be there again: without a session no agent has a use of it.
 * All of it is there or nothing: it is done beside data_dir, and what was cut short there is thrown away by the next try. Throws ERR_CONFIG_FILE, or {@link UsageError} where one folder lies in the other, and then has changed nothing.
 */
export async function restore(config: BrokerConfig, directory: string, tell: Tell): Promise<void> {
  const source = resolve(directory);
  assertApart(source, config.dataDirectory);
  assertApart(source, draftOf(config.dataDirectory));
  const manifest = await readManifest(source);
  await assertEmpty(config.dataDirectory);
  tell(
    `${source} is whole: of ${manifest.created_at}, the log ${manifest.head.origin} at ${manifest.head.size} records`,
  );
  const draft = { ...config, dataDirectory: draftOf(config.dataDirectory) };
  await putBack(source, manifest, draft.dataDirectory);
  const ended = await endSessions(draft);
  tell(`every session of ${ended} accounts was ended: people sign in again, and agents are paired anew`);
  await recover(draft, tell);
  // Over an empty folder or none: what a broker started meanwhile has made there stays.
  await rename(draft.dataDirectory, config.dataDirectory).catch((fault: unknown) => {
    throw isTaken(fault) ? notEmpty(config.dataDirectory) : fault;
  });
  await syncFolder(dirname(config.dataDirectory));
  tell("grants and agents are those of the backup: revoke what was revoked since (agentkeys agents list, grants list)");
}

async function assertEmpty(dataDirectory: string): Promise<void> {
  const entries = await readdir(dataDirectory).catch((fault: unknown) => {
    if (isMissing(fault)) return [];
    throw fault;
  });
  if (entries.length > 0) throw notEmpty(dataDirectory);
}

function isTaken(fault: unknown): boolean {
  return ["ENOTEMPTY", "EEXIST"].includes((fault as NodeJS.ErrnoException).code ?? "");
}

function notEmpty(dataDirectory: string): AgentKeysError {
  const reason = "it is not empty: move it away first, it may be worth more than the backup";
  return new AgentKeysError("ERR_CONFIG_FILE", `${dataDirectory}: ${reason}`, { path: dataDirectory, reason });
}

/** Copies, durably, into a folder that is made anew. */
async function putBack(source: string, { files }: Manifest, directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const folders = new Set([directory]);
  for (const { path } of files) {
    const target = join(directory, path);
    folders.add(dirname(target));
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await copyFile(join(source, path), target);
    await chmod(target, 0o600);
    await syncFile(target);
  }
  for (const folder of folders) await syncFolder(folder);
}

const draftOf = (dataDirectory: string): string => `${dataDirectory}.restoring`;

async function endSessions(config: BrokerConfig): Promise<number> {
  const store = await openStore(join(config.dataDirectory, "broker.db"), {
    onFatal: (error) => {
      throw error;
    },
  });
  const maker = { now: Date.now, random: createRandom() };
  const accounts = createReadings(store.read).accountsWithSessions(maker.now());
  try {
    const events = accounts.map((account) => newEvent(maker, RecordType.sessionRevoked, { account }));
    await store.write("endEverySession", { now: maker.now(), events });
    return accounts.length;
  } finally {
    await store.close();
  }
}
