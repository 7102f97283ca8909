// The processes that a benchmark measures, and what the system says of them.
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Processes started here, and nothing else, are ended at the end. */
export class Children {
  /** @type {Set<import("node:child_process").ChildProcess>} */
  #running = new Set();

  /**
   * Starts a JavaScript file and waits until it prints a line that begins with `ready`.
   *
   * @param {string} file
   * @param {readonly string[]} [args]
   * @returns {Promise<{ child: import("node:child_process").ChildProcess, pid: number, milliseconds: number }>}
   */
  async start(file, args = [], within = 30_000) {
    const started = performance.now();
    const child = fork(file, [...args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [],
      // Every side as an operator runs it.
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    await new Promise((resolve, reject) => {
      let said = "";
      const fail = (/** @type {string} */ why) => reject(new Error(`${file} ${why}\n${said}`));
      const timer = setTimeout(fail, within, "was not ready in time");
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code) => fail(`ended with ${code}`));
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
          said = (said + text).slice(-10_000);
          if (!/^ready/mu.test(said)) return;
          clearTimeout(timer);
          resolve(undefined);
        });
      }
    });
    return { child, pid: child.pid ?? 0, milliseconds: performance.now() - started };
  }

  /** Ends one: asks, and after five seconds insists. */
  async stop(/** @type {import("node:child_process").ChildProcess} */ child) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => {
      child.once("exit", resolve);
    });
    child.kill("SIGTERM");
    const insist = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(insist);
  }

  async stopAll() {
    await Promise.all([...this.#running].map((child) => this.stop(child)));
  }
}

/** Linux counts CPU time in hundredths of a second. */
const ticksPerSecond = 100;

/** CPU seconds a process has used so far, all its threads, in user and system. */
export function cpuSeconds(/** @type {number} */ pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory of a process, in MB. */
export function residentMegabytes(/** @type {number} */ pid) {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
