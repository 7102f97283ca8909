// A broker as a process of its own, to be killed and started again on the same files.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { freePort, type ReachableBroker } from "../../apps/broker/test/flows/harness.ts";

const root = join(import.meta.dirname, "../..");
const place = join(root, "apps/broker/.agentkeys-test");

/** A broker that can be killed. */
export interface KilledBroker extends ReachableBroker {
  /** Of its configuration; its data_dir is `data` in it. */
  readonly folder: string;
  /** Starts the process and waits until it is ready. */
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Kills it where it runs, and removes its files. */
  remove(): Promise<void>;
}

/** Makes the files of a broker, with extra TOML behind its [broker] table, and starts it. */
export async function startKilledBroker(toml = ""): Promise<KilledBroker> {
  mkdirSync(place, { recursive: true });
  const folder = mkdtempSync(join(place, "kill-"));
  const port = await freePort();
  writeFileSync(join(folder, "agentkeys.toml"), `[broker]\nlisten = "127.0.0.1:${port}"\ndata_dir = "data"\n${toml}`);
  let child: ChildProcess | undefined;
  const broker: KilledBroker = {
    url: `http://127.0.0.1:${port}`,
    folder,
    claimCode: () => readFileSync(join(folder, "data/claim-code"), "utf8").trim(),
    async start() {
      // As it is published: it starts in a third of the time that its sources take.
      const bin = join(root, "apps/broker/dist/bin.js");
      child = spawn(process.execPath, [bin, "--config", join(folder, "agentkeys.toml")], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      let said = "";
      child.stderr?.on("data", (text: Buffer) => {
        said += text.toString();
      });
      for await (const line of createInterface({ input: child.stdout! })) if (line.startsWith("ready ")) return;
      throw new Error(`the broker did not start: ${said}`);
    },
    async kill() {
      const ended = once(child!, "exit");
      child!.kill("SIGKILL");
      await ended;
    },
    async remove() {
      if (child?.exitCode === null && child.signalCode === null) await broker.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}
