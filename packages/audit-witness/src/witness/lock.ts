import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentKeysError } from "@agentkeys/core";

/**
 * Takes a folder for this process alone and answers how to give it back: two witnesses on one state could cosign two heads of one
 * size. A lock left by a process that is gone is taken over. Throws ERR_CONFIG_INVALID while another process holds it.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, "lock");
  const own = `${process.pid}\n`;
  for (;;) {
    if (create(path, own)) return () => rmSync(path, { force: true });
    const holder = readIfThere(path);
    if (holder === undefined) continue;
    if (holder !== own && isRunning(Number(holder))) throw refuse(path, holder);
    removeStale(path, holder, own);
  }
}

/** Removes the lock of a process that is gone, under a lock for that: a slower starter would remove the one made since. */
function removeStale(path: string, holder: string, own: string): void {
  const taking = `${path}.taking`;
  if (!create(taking, own)) throw refuse(taking, readIfThere(taking) ?? "");
  try {
    if (readIfThere(path) === holder) rmSync(path, { force: true });
  } finally {
    rmSync(taking, { force: true });
  }
}

function create(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function refuse(path: string, holder: string): AgentKeysError {
  const issues = [`--state: process ${holder.trim()} uses it; where no witness runs, remove ${path}`];
  return new AgentKeysError("ERR_CONFIG_INVALID", issues.join(), { issues });
}
