import * as v from "valibot";
import type { Challenge, Json, Readiness, WalletHandle, WalletProvisioner } from "@agentkeys/core";
import { assertChallenge } from "./auth.ts";
import { readiness, type Guard } from "./guard.ts";

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
      return guard.read("lookup", v.array(v.unknown()), handles).map((handle) => assertHandle(handle, guard));
    },
    ready: async (requestId) =>
      guard.read("ready", readiness, await guard.run("ready", requestId, (call) => wallet.ready(call))),
    close: () => wallet.close(),
  };
}

const handleForm = v.object({
  address: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  family: v.picklist(["evm", "solana"]),
  custody: v.picklist(["person", "contract", "enclave", "remote"]),
});

function assertHandle(given: unknown, guard: Guard): WalletHandle {
  const handle = guard.read("its wallet", handleForm, given);
  const form = handle.family === "evm" ? /^0x[0-9a-f]{40}$/u : /^[1-9A-HJ-NP-Za-km-z]{32,44}$/u;
  if (!form.test(handle.address)) throw guard.breach("an address that is not canonical");
  return handle;
}
