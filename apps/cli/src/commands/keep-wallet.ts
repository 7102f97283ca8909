import { Option, type Command } from "commander";
import type { Context } from "../context.ts";
import { storeWallet, type WalletPlace, type WalletToStore } from "../wallet/wallet-store.ts";

/** Adds the option that says where a wallet is kept. */
export function addStoreOption(command: Command): Command {
  return command.addOption(
    new Option("--store <place>", "where the locked wallet lies; default the keychain, else a file").choices([
      "keychain",
      "file",
    ]),
  );
}

/** Keeps a locked wallet, says so where no keychain works, and answers where it lies with the line that shows it. */
export async function keepWallet(
  { home, terminal }: Context,
  name: string,
  wallet: WalletToStore,
  wanted: WalletPlace | undefined,
): Promise<{ readonly place: WalletPlace; readonly line: string }> {
  const { place, reason } = await storeWallet(home, name, wallet, wanted);
  if (reason !== undefined) terminal.note(`No keychain works here (${reason}); the wallet lies in a file.`);
  const where = place === "file" ? home.wallet(name) : "keychain";
  return { place, line: `wallet   ${name}  ${wallet.address}  (${where})` };
}
