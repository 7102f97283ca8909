import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
let folder: string;

// The plug-in as it stands in an install of its own, with the libraries that a test puts there.
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "agentkeys-auth-walletsig-")));
  await cp(here("../src"), join(folder, "src"), { recursive: true });
  await cp(here("../package.json"), join(folder, "package.json"));
  await mkdir(join(folder, "node_modules/@agentkeys"), { recursive: true });
  await symlink(here("../../core"), join(folder, "node_modules/@agentkeys/core"));
  for (const library of ["@noble", "@scure", "valibot"]) await install(library);
});
afterEach(() => rm(folder, { recursive: true }));

async function install(library: string): Promise<void> {
  await symlink(here(`../node_modules/${library}`), join(folder, "node_modules", library));
}

/** What a program printed as JSON that has the plug-in as `walletsig`, in a process of its own. */
async function print(program: string): Promise<unknown> {
  const prelude = `
    const loaded = [];
    (await import("node:module")).registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { default: walletsig } = await import("./src/index.ts");
    const { value } = await walletsig.config["~standard"].validate({});
    const rows = new Map();
    const host = { publicUrl: "https://keys.example", now: Date.now, random: (size) => new Uint8Array(size),
      store: { put: async (key, row) => rows.set(key, row), get: async (key) => rows.get(key) } };
    const codeOf = (work) => work.then(() => "no error", ({ code, facts }) => [code, facts]);`;
  const flags = ["--conditions=agentkeys-source", "--no-warnings", "--input-type=module", "--eval", prelude + program];
  const { stdout } = await run(process.execPath, flags, { cwd: folder });
  return JSON.parse(stdout);
}

describe("in an install that lacks a library", () => {
  it("ethers, the plug-in is not made, and says what to do", async () => {
    const specifier = "ethers/hash";
    const printed = await print("process.stdout.write(JSON.stringify(await codeOf(walletsig.create(value, host))));");
    const reason = `${specifier} is not installed, run: npm install --ignore-scripts @agentkeys/auth-walletsig`;
    expect(printed).toEqual(["ERR_PLUGIN_NOT_LOADABLE", { specifier, reason }]);
  });
});

describe("in a whole install", () => {
  it("never loads ethers on the main thread: signers are recovered in a thread of their own", async () => {
    await install("ethers");
    const printed = await print(`
      const method = await walletsig.create(value, host);
      const address = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23";
      const { id, public: { message } } = await method.start({ address, chain_id: 1 });
      const signature = "0x" + "11".repeat(64) + "1b";
      const wrong = await codeOf(method.finish({ challenge_id: id, message, signature }, {}));
      const isLoaded = () => loaded.some((url) => url.includes("/node_modules/ethers/"));
      const before = isLoaded();
      await method.close();
      await import("ethers/hash");
      process.stdout.write(JSON.stringify({ code: wrong[0], before, after: isLoaded() }));`);
    expect(printed).toEqual({ code: "ERR_AUTH_PROOF", before: false, after: true });
  });
});
