import type { Challenge, Json, Readiness, WalletHandle, WalletProvisioner } from "@agentkeys/core";
import { assertChallenge } from "./auth.ts";
import type { Guard } from "./guard.ts";

/** The wallet provisioner as the flows see it. */
export interface WalletFacade {
  readonly name: string;
  start(account: string, ask: Json, requestId: string): Promise<Challenge>;
  provision(account: string, answer: Json, requestId: string): Promise<WalletHandle>;
  lookup(account: string, requestId: string): Promise<readonly WalletHandle[]>;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

/** Puts the facade before the wallet provisioner. */
export function createWalletFacade(name: string, wallet: WalletProvisioner, guard: Guard): WalletFacade {
  return {
    name,
    start: async (account, ask, requestId) =>
      assertChallenge(await guard.run("start", requestId, (call) => wallet.start(account, ask, call)), guard),
    provision: async (account, answer, requestId) =>
      assertHandle(await guard.run("provision", requestId, (call) => wallet.provision(account, answer, call)), guard),
    async lookup(account, requestId) {
      const handles = await guard.run("lookup", requestId, (call) => wallet.lookup(account, call));
      return handles.map((handle) => assertHandle(handle, guard));
    },
    ready: (requestId) => guard.run("ready", requestId, (call) => wallet.ready(call)),
    close: () => wallet.close(),
  };
}

function assertHandle(handle: WalletHandle, guard: Guard): WalletHandle {
  const { address, family, custody } = handle;
  if (family !== "evm" && family !== "solana") throw guard.breach("a wallet of no known family");
  if (family === "evm" && !/^0x[0-9a-f]{40}$/u.test(address)) throw guard.breach("an address that is not canonical");
  return { address, family, custody };
}
