import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import type { LogFacade } from "../facade/log.ts";
import { writeManifest, type Manifest } from "../files/manifest.ts";
import { copyStore } from "../store/copy-store.ts";

/** Of data_dir: what only the running broker has a use for. */
const passing = /^(?:control\.sock|claim-code|broker\.db.*|\..*)$/u;

interface BackupParts {
  readonly dataDirectory: string;
  readonly log: LogFacade;
  readonly now: () => number;
}

/**
 * Copies all that a broker keeps into a folder that is empty or not there, while it goes on. The log is copied last: every event that
 * the copied store has seen acknowledged is in the copied log. What the manifest names is durable when this resolves. Throws
 * ERR_CONFIG_FILE, ERR_CONFIG_INVALID (a log that cannot be copied), ERR_AUDIT_UNAVAILABLE.
 */
export async function backUp({ dataDirectory, log, now }: BackupParts, directory: string): Promise<Manifest> {
  const { upkeep } = log;
  if (upkeep === undefined)
    throw new AgentKeysError("ERR_CONFIG_INVALID", "audit.log: this log knows no backup", {
      issues: ["audit.log: this log knows no backup"],
    });
  await makeEmptyFolder(directory);
  const logFolder = `audit-${log.name}`;
  for (const entry of await readdir(dataDirectory)) {
    if (passing.test(entry) || entry === logFolder) continue;
    await cp(join(dataDirectory, entry), join(directory, entry), { recursive: true, preserveTimestamps: true });
  }
  await copyStore(join(dataDirectory, "broker.db"), join(directory, "broker.db"));
  const { origin, size, root, note } = await upkeep.backup(join(directory, logFolder), "backup");
  return writeManifest(directory, {
    created_at: new Date(now()).toISOString(),
    head: { origin, size, root, note },
  });
}

async function makeEmptyFolder(directory: string): Promise<void> {
  const refuse = (reason: string, cause?: unknown): AgentKeysError =>
    new AgentKeysError("ERR_CONFIG_FILE", `${directory}: ${reason}`, { path: directory, reason }, { cause });
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readdir(directory)).length === 0) return;
  } catch (cause) {
    throw refuse("it cannot be used", cause);
  }
  throw refuse("it is not empty: name a folder that is, or one that is not there yet");
}
