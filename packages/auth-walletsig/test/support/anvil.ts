import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { arch, platform } from "node:os";
import { setTimeout } from "node:timers/promises";
import { ContractFactory, JsonRpcProvider } from "ethers";
import wallets from "../contracts/wallets.json" with { type: "json" };

/** A real EVM chain of this test's own, with the contracts of test/contracts. */
export interface Anvil {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  /** Deploys a contract by its name; its address in lower case. */
  deploy(name: keyof typeof wallets, types: readonly string[], values: readonly unknown[]): Promise<string>;
  close(): Promise<void>;
}

const names: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Starts anvil as chain 1, on a free port. */
export async function openAnvil(chainId = 1): Promise<Anvil> {
  const require = createRequire(createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json"));
  const platformPackage = `@foundry-rs/anvil-${platform()}-${names[arch()] ?? arch()}`;
  const binary = require.resolve(`${platformPackage}/bin/anvil`);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  const args = ["--port", String(port), "--chain-id", String(chainId), "--silent"];
  const child = spawn(binary, args, { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  const provider = new JsonRpcProvider(url, chainId, { staticNetwork: true, polling: true, pollingInterval: 50 });
  await isUp(url);
  return {
    url,
    provider,
    async deploy(name, types, values) {
      const signer = await provider.getSigner(0);
      const abi = [`constructor(${types.join(",")})`];
      const contract = await new ContractFactory(abi, wallets[name], signer).deploy(...values);
      await contract.waitForDeployment();
      return (await contract.getAddress()).toLowerCase();
    },
    async close() {
      provider.destroy();
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

/** Resolves when the node answers. */
async function isUp(url: string): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  for (let attempt = 0; attempt < 200; attempt++) {
    const isThere = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body }).then(
      (response) => response.ok,
      () => false,
    );
    if (isThere) return;
    await setTimeout(50);
  }
  throw new Error("anvil did not start");
}
