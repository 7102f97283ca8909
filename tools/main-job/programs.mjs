// The programs of AgentKeys as processes: where they are, how they are started, and what they said.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { delimiter, join, relative } from "node:path";

/** Where each program is built in the workspace. */
const BUILT = {
  agentkeys: "apps/cli/dist/bin.js",
  "agentkeys-broker": "apps/broker/dist/bin.js",
  "agentkeys-witness": "packages/audit-witness/dist/witness/bin.js",
  "agentkeys-verify": "packages/verify/dist/bin.js",
};

/** @typedef {keyof typeof BUILT} ProgramName */
/** @typedef {{code: number, stdout: string, stderr: string}} Ended */
/** @typedef {{child: import("node:child_process").ChildProcess, until(pattern: RegExp, within: number): Promise<RegExpExecArray>, ended: Promise<Ended>}} Running */

/** The programs of this workspace, or those of a folder such as `node_modules/.bin`. */
export class Programs {
  /**
   * @param {string} root
   * @param {string | undefined} binDir
   */
  constructor(root, binDir) {
    this.root = root;
    this.binDir = binDir;
    /** @type {Set<Running>} */
    this.running = new Set();
    this.isStopped = false;
  }

  /** The folder whose packages the broker's configuration finds: the operator's installation. */
  get installation() {
    return this.binDir === undefined ? join(this.root, "apps/broker/node_modules") : join(this.binDir, "..");
  }

  /** Shell lines after which the commands can be typed as they are printed. */
  get preparation() {
    if (this.binDir !== undefined) return [`export PATH=${this.binDir}${delimiter}$PATH`];
    return Object.entries(BUILT).map(([name, path]) => `alias ${name}='node ${path}'`);
  }

  /**
   * Starts a program. What it writes is kept, and goes to `log` too where that is given.
   *
   * @param {ProgramName} name
   * @param {readonly string[]} args
   * @param {string} [log]
   * @returns {Running}
   */
  start(name, args, log) {
    if (this.isStopped) throw new Error("nothing is started any more");
    const path = this.binDir === undefined ? join(this.root, BUILT[name]) : join(this.binDir, name);
    if (!existsSync(path))
      throw new Error(`${relative(this.root, path)} is not there; build it, or name its folder by --bin-dir`);
    const [program, ...first] = this.binDir === undefined ? [process.execPath, path] : [path];
    // A home of the one who runs this must not be used by mistake.
    const env = { ...process.env, AGENTKEYS_HOME: undefined };
    const child = spawn(program ?? path, [...first, ...args], {
      cwd: this.root,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = watch(child, log);
    this.running.add(running);
    void running.ended.finally(() => this.running.delete(running)).catch(() => undefined);
    return running;
  }

  /**
   * Runs a program to its end; a code that is not `expected` throws with what it said.
   *
   * @param {ProgramName} name
   * @param {readonly string[]} args
   */
  async run(name, args, expected = 0) {
    const ended = await this.start(name, args).ended;
    if (ended.code !== expected) {
      throw new Error(`${name} ended with ${ended.code}, not ${expected}\n${ended.stdout}${ended.stderr}`.trimEnd());
    }
    return ended;
  }

  /** Ends what runs: asks, and after five seconds insists. */
  async stop() {
    this.isStopped = true;
    const all = [...this.running];
    for (const { child } of all) child.kill("SIGTERM");
    const insist = setTimeout(() => all.forEach(({ child }) => child.kill("SIGKILL")), 5000);
    await Promise.allSettled(all.map(({ ended }) => ended));
    clearTimeout(insist);
  }
}

/**
 * @param {import("node:child_process").ChildProcessByStdio<null, import("node:stream").Readable, import("node:stream").Readable>} child
 * @param {string | undefined} log
 * @returns {Running}
 */
function watch(child, log) {
  const said = { stdout: "", stderr: "" };
  const file = log === undefined ? undefined : createWriteStream(log, { mode: 0o600 });
  /** @type {Set<() => void>} */
  const waiting = new Set();
  for (const name of /** @type {const} */ (["stdout", "stderr"])) {
    child[name].setEncoding("utf8").on("data", (text) => {
      said[name] += text;
      file?.write(text);
      for (const look of waiting) look();
    });
  }
  /** @type {Promise<Ended>} */
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      file?.end();
      resolve({ code: code ?? 1, ...said });
    });
  });
  return {
    child,
    ended,
    until(pattern, within) {
      return new Promise((resolve, reject) => {
        const finish = () => {
          waiting.delete(look);
          clearTimeout(timer);
        };
        const look = () => {
          const found = pattern.exec(said.stdout);
          if (found === null) return;
          finish();
          resolve(found);
        };
        const timer = setTimeout(() => {
          finish();
          reject(
            new Error(`nothing like ${pattern} within ${within / 1000} s\n${said.stdout}${said.stderr}`.trimEnd()),
          );
        }, within);
        waiting.add(look);
        look();
        const fail = (/** @type {string} */ why) => {
          finish();
          reject(new Error(`${why}\n${said.stdout}${said.stderr}`.trimEnd()));
        };
        ended.then(
          ({ code }) => fail(`it ended with ${code}`),
          (/** @type {unknown} */ error) => fail(error instanceof Error ? error.message : String(error)),
        );
      });
    },
  };
}
