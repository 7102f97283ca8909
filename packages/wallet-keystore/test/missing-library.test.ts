import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installAlone, type LoneInstall } from "../../testkit/test/lone-install.ts";

let alone: LoneInstall;
beforeEach(async () => {
  alone = await installAlone(join(import.meta.dirname, ".."), "valibot");
});
afterEach(() => alone.remove());

/** What a program printed as JSON that has the plug-in as `keystore`, in a process of its own. */
async function print(program: string): Promise<unknown> {
  const prelude = `
    const loaded = [];
    (await import("node:module")).registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { default: keystore } = await import("./src/index.ts");
    const { value } = await keystore.config["~standard"].validate({});
    const rows = new Map();
    const host = { publicUrl: "https://keys.example", now: Date.now, random: (size) => new Uint8Array(size),
      store: { put: async (key, row) => rows.set(key, row), get: async (key) => rows.get(key) } };
    const codeOf = (work) => work.then(() => "no error", ({ code, facts }) => [code, facts]);`;
  return alone.print(prelude + program);
}

describe("the library", () => {
  it("is missed at boot, with what to do", async () => {
    const printed = await print("process.stdout.write(JSON.stringify(await codeOf(keystore.create(value, host))));");
    const reason = "ethers/hash is not installed, run: npm install --ignore-scripts @agentkeys/wallet-keystore";
    expect(printed).toEqual(["ERR_PLUGIN_NOT_LOADABLE", { specifier: "ethers/hash", reason }]);
  });

  it("is loaded neither at boot nor at a start, but at the first signature", async () => {
    await alone.install("ethers");
    const printed = await print(`
      const isLoaded = () => loaded.some((url) => url.includes("/node_modules/ethers/"));
      const provisioner = await keystore.create(value, host);
      const { id } = await provisioner.start("ad", { address: "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23" });
      const steps = [isLoaded()];
      const signature = "0x" + "11".repeat(64) + "1b";
      const [code] = await codeOf(provisioner.provision("ad", { challenge_id: id, signature }));
      steps.push(isLoaded());
      process.stdout.write(JSON.stringify({ steps, code }));`);
    expect(printed).toEqual({ steps: [false, true], code: "ERR_WALLET_PROOF" });
  });
});
