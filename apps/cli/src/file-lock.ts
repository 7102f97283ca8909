import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AgentKeysError } from "@agentkeys/core";
import { isMissing } from "./private-file.ts";

// A refresh has a deadline of 20 s: who holds a lock for longer than this is gone.
const longest = 60_000;

/** Runs `work` while no other process does under the same lock file. The lock of a process that died is taken over. */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const giveUp = Date.now() + longest;
  const own = `${process.pid} ${randomUUID()}`;
  while (!(await tryLock(path, own))) {
    if (Date.now() > giveUp) {
      const reason = `another process holds ${path}`;
      throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
    }
    await setTimeout(50);
  }
  try {
    return await work();
  } finally {
    // Whoever held it for too long may have been taken for gone; then it is another's by now.
    if ((await readHolder(path)) === own) await rm(path, { force: true });
  }
}

async function tryLock(path: string, own: string): Promise<boolean> {
  if (await tryCreate(path, own)) return true;
  if (await isAbandoned(path)) await removeAbandoned(path, own);
  return false;
}

/**
 * Removes an abandoned lock under a lock of its own, and only if it is abandoned still: of two who saw that, the slower one would
 * remove the lock that the faster one has made since.
 */
async function removeAbandoned(path: string, own: string): Promise<void> {
  const removing = `${path}.removing`;
  if (await tryCreate(removing, own)) {
    if (await isAbandoned(path)) await rm(path, { force: true });
    await rm(removing, { force: true });
  } else if (await isAbandoned(removing)) await rm(removing, { force: true });
}

async function tryCreate(path: string, own: string): Promise<boolean> {
  try {
    await writeFile(path, own, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

async function readHolder(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const holder = Number((await readFile(path, "utf8")).split(" ")[0]);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > longest) return true;
    // Written a moment after it is made; until then nobody knows whose it is.
    return Number.isInteger(holder) && holder > 0 && !isAlive(holder);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
