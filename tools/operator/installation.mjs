// An operator's folder: packages installed from tarballs by the ordinary npm, outside of the repository.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { cleanEnvironment } from "../toolchain.mjs";

/** The environment of somebody who never saw this repository: no tool of it on the path but Node itself. */
const environment = {
  ...cleanEnvironment(process.env),
  // Vitest tells its workers to take packages from their sources; an operator has none.
  NODE_OPTIONS: "",
};

export class Installation {
  /**
   * @param {string} folder an empty one
   * @param {string} node what runs here
   */
  constructor(folder, node = process.execPath) {
    this.folder = folder;
    this.bin = join(folder, "node_modules/.bin");
    this.environment = { ...environment, PATH: [dirname(node), environment["PATH"]].join(delimiter) };
  }

  /** The same folder, with another Node. */
  on(/** @type {string} */ node) {
    return new Installation(this.folder, node);
  }

  /** In a new empty folder. */
  static async make() {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "agentkeys-operator-")));
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "operator", private: true, type: "module" }));
    return new Installation(folder);
  }

  /** Runs a program here and answers what it printed; rejects unless it ends well. */
  async run(program, ...args) {
    const child = spawn(program, args, { cwd: this.folder, env: this.environment, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    if (code === 0) return stdout;
    throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
  }

  /** Starts a program of the installation. */
  start(name, ...args) {
    return spawn(join(this.bin, name), args, {
      cwd: this.folder,
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** @param {readonly string[]} packages tarballs, or names with versions */
  async install(packages, ...options) {
    await this.run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", ...options, ...packages);
  }

  /** Names of all installed packages, those nested below others among them. */
  async packages() {
    const lock = JSON.parse(await readFile(join(this.folder, "node_modules/.package-lock.json"), "utf8"));
    return Object.keys(lock.packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13));
  }

  /** What is installed, in megabytes. */
  async megabytes() {
    const folder = join(this.folder, "node_modules");
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    return sizes.reduce((sum, size) => sum + size, 0) / 1e6;
  }
}
