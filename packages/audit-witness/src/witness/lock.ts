import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
    try {
      writeFileSync(path, own, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = readFileSync(path, "utf8");
    if (holder !== own && isRunning(Number(holder))) throw refuse(path, holder.trim());
    // Away under a name of our own, and looked at once more: another starter may have been quicker.
    const stale = `${path}.${process.pid}`;
    renameSync(path, stale);
    const taken = readFileSync(stale, "utf8");
    if (taken !== holder) renameSync(stale, path);
    else rmSync(stale);
    if (taken !== holder) throw refuse(path, taken.trim());
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
  const issues = [`--state: process ${holder} uses it; where no witness runs, remove ${path}`];
  return new AgentKeysError("ERR_CONFIG_INVALID", issues.join(), { issues });
}
