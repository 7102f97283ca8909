// An operator's folder: packages installed from tarballs by the ordinary npm, outside of the repository.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
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
   * @param {string} [registry] the one that npm asks; without it, the one it is set to
   */
  constructor(folder, node = process.execPath, registry) {
    this.folder = folder;
    this.environment = {
      ...environment,
      ...(registry === undefined ? {} : { npm_config_registry: registry }),
      PATH: [dirname(node), environment["PATH"]].join(delimiter),
    };
  }

  /** Where npm puts the programs of what is installed here. */
  get bin() {
    return join(this.folder, "node_modules/.bin");
  }

  /** The same folder, with another Node. */
  on(/** @type {string} */ node) {
    return new Installation(this.folder, node);
  }

  /**
   * In a new folder that holds a package.json and nothing else.
   *
   * @param {object} [manifest] more of the package.json
   * @param {string} [registry]
   */
  static async make(manifest = {}, registry) {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "agentkeys-operator-")));
    const all = { name: "operator", private: true, type: "module", ...manifest };
    await writeFile(join(folder, "package.json"), JSON.stringify(all));
    return new Installation(folder, process.execPath, registry);
  }

  /** Runs a program here and answers what it printed; rejects unless it ends well. */
  async run(program, ...args) {
    const child = spawn(program, args, { cwd: this.folder, env: this.environment, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    if (code === 0) return stripVTControlCharacters(stdout);
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
