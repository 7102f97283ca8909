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
  await install("valibot");
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
  it.each([
    ["ethers", [], "ethers/hash"],
    ["siwe", ["ethers"], "siwe"],
  ])("%s, the plug-in is not made, and says what to do", async (_library, installed, specifier) => {
    await Promise.all(installed.map((library) => install(library)));
    const printed = await print("process.stdout.write(JSON.stringify(await codeOf(walletsig.create(value, host))));");
    const reason = `${specifier} is not installed, run: npm install @agentkeys/auth-walletsig`;
    expect(printed).toEqual(["ERR_PLUGIN_NOT_LOADABLE", { specifier, reason }]);
  });
});

describe("in a whole install", () => {
  it("loads neither library at boot nor at a start, ethers at the first signature, siwe for a client's own message", async () => {
    await install("ethers");
    await install("siwe");
    const printed = await print(`
      const libraries = () => ["ethers", "siwe"].filter((name) => loaded.some((url) => url.includes("/node_modules/" + name + "/")));
      const steps = [libraries()];
      const method = await walletsig.create(value, host);
      steps.push(libraries());
      const address = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23";
      const { id, public: { message } } = await method.start({ address, chain_id: 1 });
      steps.push(libraries());
      const malformed = await codeOf(method.finish({ challenge_id: id, message, signature: "0x" }));
      steps.push(libraries());
      const signature = "0x" + "11".repeat(64) + "1b";
      const wrong = await codeOf(method.finish({ challenge_id: id, message, signature }));
      steps.push(libraries());
      const { Wallet } = await import("ethers");
      const wallet = new Wallet("0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318");
      const own = message.replace("Sign in", "Log in") + "\\nRequest ID: ?";
      const built = await codeOf(method.finish({ challenge_id: id, message: own, signature: await wallet.signMessage(own) }));
      steps.push(libraries());
      process.stdout.write(JSON.stringify({ steps, codes: [malformed[0], wrong[0], built] }));`);
    expect(printed).toEqual({
      steps: [[], [], [], [], ["ethers"], ["ethers", "siwe"]],
      codes: [
        "ERR_AUTH_PROOF",
        "ERR_AUTH_PROOF",
        ["ERR_AUTH_PROOF", { reason: "the message is not in the form of EIP-4361" }],
      ],
    });
  });
});
