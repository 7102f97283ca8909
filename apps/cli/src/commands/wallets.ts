import { Option, type Command } from "commander";
import { contextOf, takePassphrase, type Context } from "../context.ts";
import { openWallet } from "../account-session.ts";
import { readPrivate, writePrivate } from "../private-file.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { lockWallet, unlockWallet } from "../wallet/keystore.ts";
import { deriveWallet, derivationPath } from "../wallet/mnemonic.ts";
import { isThere, takeWords } from "../wallet/new-words.ts";
import { assertFree, listStoredWallets, readWallet, removeWallet, type WalletPlace } from "../wallet/wallet-store.ts";
import { addStoreOption, keepWallet } from "./keep-wallet.ts";
import { addYesOption, assertConfirmed } from "./options.ts";

interface ExportOptions {
  readonly out: string;
  readonly format: "keystore" | "words";
  readonly yes?: boolean;
}

interface RestoreOptions {
  readonly mnemonicFile?: string;
  readonly keystoreFile?: string;
  readonly store?: WalletPlace;
}

/** `agentkeys wallets …`: the wallets kept on this machine. None of it asks a broker. */
export function addWallets(program: Command, terminal: Terminal): void {
  const wallets = program.command("wallets").description("the wallets kept on this machine");
  wallets
    .command("list")
    .description("list them; nothing is opened for it")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const found = await listStoredWallets(context.home);
      const rows = found.map(({ name, address, path, place }) => [name, address, path, place]);
      context.show(
        { wallets: found.map(({ place, ...wallet }) => ({ ...wallet, store: place })) },
        formatTable(["NAME", "ADDRESS", "PATH", "STORE"], rows),
      );
    });
  addYesOption(
    wallets
      .command("export")
      .argument("<name>", "the wallet's name here")
      .description("write a wallet to a file (mode 0600); asks its passphrase")
      .requiredOption("--out <file>", "where to")
      .addOption(
        new Option("--format <form>", "still encrypted under the passphrase, or the bare words")
          .choices(["keystore", "words"])
          .default("keystore"),
      ),
  )
    .addHelpText("after", "\nExample:\n  agentkeys wallets export default --out default.json")
    .action(async (name: string, _options: unknown, command: Command) => {
      await exportWallet(contextOf(command, terminal), name, command.opts<ExportOptions>());
    });
  addStoreOption(
    wallets
      .command("restore")
      .argument("<name>", "what to call it here")
      .description("keep a wallet you have: from its words, or from a Web3 Secret Storage file")
      .addOption(
        new Option("--mnemonic-file <file>", "read the words from a file (mode 0600)").conflicts("keystoreFile"),
      )
      .option("--keystore-file <file>", "an encrypted file with words in it (mode 0600); keeps its passphrase"),
  )
    .addHelpText(
      "after",
      "\nSigns in to nothing: `agentkeys login --wallet NAME` does.\n\nExample:\n  agentkeys wallets restore default",
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      await restoreWallet(contextOf(command, terminal), name, command.opts<RestoreOptions>());
    });
  addYesOption(
    wallets
      .command("remove")
      .argument("<name>", "the wallet's name here")
      .description("take a wallet off this machine; without its words or an export it is lost"),
  ).action(async (name: string, _options: unknown, command: Command) => {
    const context = contextOf(command, terminal);
    const { yes } = command.opts<{ yes?: boolean }>();
    const found = (await listStoredWallets(context.home)).find((wallet) => wallet.name === name);
    const address = found?.address ?? (await readWallet(context.home, name)).address;
    const question = `Remove ${name} (${address})? Only its words bring it back.`;
    await assertConfirmed(context, yes, question, "nothing was removed");
    await removeWallet(context.home, name);
    context.show({ removed: name, address }, [`removed  ${name}  ${address}`]);
  });
}

async function exportWallet(context: Context, name: string, { out, format, yes }: ExportOptions): Promise<void> {
  if (await isThere(out)) throw new UsageError(`${out} is there already; a wallet is not written over anything`);
  // Opened for either form: who cannot open it gets nothing, and what is written is known to open.
  const wallet = await openWallet(context, name);
  if (format === "words") {
    const question = "Who reads the file has the wallet. Write the bare words?";
    await assertConfirmed(context, yes, question, "nothing was written");
  }
  const { keystore } = await readWallet(context.home, name);
  await writePrivate(out, `${format === "words" ? wallet.mnemonic?.phrase : keystore}\n`);
  context.show({ wallet: name, address: wallet.address, format, file: out }, [`written  ${out}  (${format})`]);
}

async function restoreWallet(context: Context, name: string, options: RestoreOptions): Promise<void> {
  await assertFree(context.home, name);
  const { address, path, keystore } =
    options.keystoreFile === undefined
      ? await lockWords(context, options.mnemonicFile)
      : await checkKeystore(context, options.keystoreFile);
  const { place, line } = await keepWallet(context, name, { address, path, keystore }, options.store);
  context.show({ wallet: name, address, path, store: place }, [line]);
}

async function lockWords(context: Context, mnemonicFile: string | undefined) {
  const words = await takeWords(context.terminal, { words: 24, restore: true, mnemonicFile });
  const passphrase = await takePassphrase(context, true);
  const wallet = await deriveWallet(words);
  const keystore = await context.terminal.progress("encrypting the wallet", lockWallet(wallet, passphrase));
  return { address: wallet.address, path: derivationPath, keystore };
}

async function checkKeystore(context: Context, file: string) {
  const keystore = (await readPrivate(file))?.trim();
  if (keystore === undefined) throw new UsageError(`there is no file ${file}`);
  const passphrase = await takePassphrase(context);
  const wallet = await context.terminal.progress("opening the wallet", unlockWallet(keystore, passphrase));
  if (wallet.path !== derivationPath)
    throw new UsageError(`${file} holds the key at ${wallet.path ?? "no path"}, not at ${derivationPath}`);
  return { address: wallet.address, path: derivationPath, keystore };
}
