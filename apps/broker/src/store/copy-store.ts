import { Worker } from "node:worker_threads";
import { chmodSync, closeSync, fsyncSync, openSync } from "node:fs";

/**
 * Puts a consistent copy of a broker's database under a new name, mode 0600, durably, while the broker goes on: in a thread of its
 * own, from the state of one moment. Rejects when the target is there or cannot be written.
 */
export async function copyStore(file: string, target: string): Promise<void> {
  const isSource = import.meta.url.endsWith(".ts");
  const worker = new Worker(new URL(isSource ? "./copy-worker.ts" : "./copy-worker.js", import.meta.url), {
    name: "copy",
    workerData: { file, target },
    ...(isSource ? { execArgv: ["--conditions=agentkeys-source"] } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the copy ended with ${code}`));
    });
  });
  chmodSync(target, 0o600);
  const handle = openSync(target, "r+");
  fsyncSync(handle);
  closeSync(handle);
}
