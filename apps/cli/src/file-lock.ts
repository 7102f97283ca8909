import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
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
  while (!(await tryLock(path))) {
    if (Date.now() > giveUp) {
      const reason = `another process holds ${path}`;
      throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
    }
    await setTimeout(50);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (await isAbandoned(path)) await rm(path, { force: true });
  return false;
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const holder = Number(await readFile(path, "utf8"));
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
