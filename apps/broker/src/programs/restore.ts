import { chmod, copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { BrokerConfig } from "../boot/read-config.ts";
import { createRandom } from "../boot/random.ts";
import { isMissing, syncFolder } from "../files/durable.ts";
import { readManifest, type Manifest } from "../files/manifest.ts";
import { newEvent } from "../flows/event.ts";
import { createReadings } from "../store/readings.ts";
import { openStore } from "../store/engine-store.ts";
import { assertApart } from "./apart.ts";
import { recover, type Tell } from "./recover.ts";

/**
 * `restore DIR --new-epoch`: puts a backup into a data_dir that is empty or not there, ends every session and code in it, and goes on
 * with the log as a new epoch. What was taken away after the backup would be there again: without a session no agent has a use of it.
 * Throws ERR_CONFIG_FILE, or {@link UsageError} where one folder lies in the other, and then has changed nothing.
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
  await putBack(source, manifest, config.dataDirectory);
  const ended = await endSessions(config);
  tell(`every session of ${ended} accounts was ended: people sign in again, and agents are paired anew`);
  await recover(config, tell);
  tell("grants and agents are those of the backup: revoke what was revoked since (agentkeys agents list, grants list)");
}

async function assertEmpty(dataDirectory: string): Promise<void> {
  const entries = await readdir(dataDirectory).catch((fault: unknown) => {
    if (isMissing(fault)) return [];
    throw fault;
  });
  if (entries.length === 0) return;
  const reason = "it is not empty: move it away first, it may be worth more than the backup";
  throw new AgentKeysError("ERR_CONFIG_FILE", `${dataDirectory}: ${reason}`, { path: dataDirectory, reason });
}

/** All of it or nothing: what was cut short lies beside data_dir, and is thrown away by the next try. */
async function putBack(source: string, { files }: Manifest, dataDirectory: string): Promise<void> {
  const draft = draftOf(dataDirectory);
  await rm(draft, { recursive: true, force: true });
  for (const { path } of files) {
    const target = join(draft, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await copyFile(join(source, path), target);
    await chmod(target, 0o600);
  }
  await rm(dataDirectory, { recursive: true, force: true });
  await rename(draft, dataDirectory);
  await syncFolder(dirname(dataDirectory));
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
