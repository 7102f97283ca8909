import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installAlone, type LoneInstall } from "../../testkit/test/lone-install.ts";

let alone: LoneInstall;
beforeEach(async () => {
  alone = await installAlone(join(import.meta.dirname, ".."), "@noble", "@scure", "valibot");
});
afterEach(() => alone.remove());

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
  return alone.print(prelude + program);
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
    await alone.install("ethers");
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
