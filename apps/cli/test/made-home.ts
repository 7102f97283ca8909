import { join } from "node:path";
import { exportKey, formatProfile, makeKey, type AgentProfile } from "@agentkeys/client";
import { writeAccount } from "../src/account-file.ts";
import { homeAt } from "../src/home.ts";
import { writePrivate } from "../src/private-file.ts";
import { lockWallet } from "../src/wallet/keystore.ts";
import { deriveWallet, derivationPath } from "../src/wallet/mnemonic.ts";
import { storeWallet } from "../src/wallet/wallet-store.ts";
import type { AccountBroker } from "./account-broker.ts";
import { makeFolder, type Folder } from "./run-command.ts";

/** The id of every agent that `pair` makes. */
export const agentId = "agt_00000000000000000000000000";

const passphrase = "correct horse battery";
const wallet = await deriveWallet("test test test test test test test test test test test junk");
const keystore = await lockWallet(wallet, passphrase);

/** A home in which a person has signed in, and the options that name it. */
export interface MadeHome {
  readonly folder: Folder;
  readonly path: string;
  /** `--home` and `--passphrase-file`. */
  readonly options: readonly string[];
  /** Pairs an agent of this machine. */
  pair(name: string, change?: Partial<AgentProfile>): Promise<void>;
}

export async function makeHome(broker: AccountBroker): Promise<MadeHome> {
  const folder = await makeFolder();
  const home = homeAt(join(folder.path, "home"));
  const session = { accessToken: "access-1", expiresAt: Date.now() + 600_000, refreshToken: "refresh-1" };
  const trust = { log: broker.log.vkey, witnesses: [broker.log.witnessVkey] };
  const key = async () => (await exportKey(await makeKey())) as Record<string, string>;
  await writeAccount(home.account, {
    broker: broker.url,
    account: broker.account,
    signIn: { method: "walletsig", wallet: "default" },
    key: await key(),
    trust,
    session,
  });
  await storeWallet(home, "default", { address: wallet.address, path: derivationPath, keystore }, "file");
  return {
    folder,
    path: home.path,
    options: ["--home", home.path, "--passphrase-file", await folder.write("passphrase", passphrase)],
    async pair(name, change = {}) {
      const profile = {
        broker: broker.url,
        clientId: "agentkeys",
        agent: agentId,
        key: await key(),
        trust,
        session,
        ...change,
      };
      await writePrivate(home.agent(name), formatProfile(profile));
    },
  };
}
