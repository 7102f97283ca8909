import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { HDNodeWallet } from "ethers";
import { asPerson, signInBy } from "../account-session.ts";
import { openAccount, type SignIn } from "../account-file.ts";
import { contextOf, takePassphrase, type Context } from "../context.ts";
import { bindWallet } from "../sign-in/bind-wallet.ts";
import { signInWithWallet } from "../sign-in/wallet-sign-in.ts";
import { signerOf, type WalletSigner } from "../sign-in/wallet-signer.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { lockWallet } from "../wallet/keystore.ts";
import { deriveWallet, derivationPath } from "../wallet/mnemonic.ts";
import { assertWordsWillBeKept, takeWords, type WordsOptions } from "../wallet/new-words.ts";
import { assertFree, type WalletPlace } from "../wallet/wallet-store.ts";
import { establish, findAccount, introduce, type EstablishOptions, type Introduction } from "./establish.ts";
import { addStoreOption, keepWallet } from "./keep-wallet.ts";
import { addEstablishOptions, addSolanaOption } from "./options.ts";

interface InitWalletOptions extends EstablishOptions, WordsOptions {
  readonly name: string;
  readonly store?: WalletPlace;
  readonly solana?: number;
}

/** `agentkeys init wallet | email`: the first steps of a person. */
export function addInit(program: Command, terminal: Terminal): void {
  const init = program.command("init").description("make an account here: by a wallet of your own, or by email");
  const wallet = init
    .command("wallet")
    .description("make or restore a wallet, sign in with it and bind it to the account")
    .option("--name <name>", "the wallet's name here", "default")
    .addOption(new Option("--words <count>", "how many words to make").argParser(parseWords).default(24))
    .option("--restore", "take the words of a wallet you have, instead of making new ones")
    .option("--mnemonic-file <file>", "read the words from a file (mode 0600)")
    .option("--mnemonic-out <file>", "write new words to a file (mode 0600) instead of showing them")
    .option("-y, --yes", "ask nothing; needs --mnemonic-out for new words");
  addSolanaOption(addStoreOption(wallet));
  addEstablishOptions(wallet)
    .addHelpText(
      "after",
      `
The words are encrypted under the passphrase (scrypt, Web3 Secret Storage v3) wherever they lie. The broker never sees a key.
With --solana the account is that of the words' Solana key, and no wallet is bound: the broker binds Ethereum addresses only.

Examples:
  agentkeys init wallet --claim-code-file .agentkeys/claim-code
  agentkeys init wallet --restore
  agentkeys init wallet --solana
  agentkeys init wallet --yes --store file --mnemonic-out words.txt --passphrase-file passphrase.txt`,
    )
    .action(async (_options: unknown, command: Command) => {
      await initWallet(contextOf(command, terminal), command.opts<InitWalletOptions>());
    });
  addEstablishOptions(
    init
      .command("email")
      .argument("<address>", "your email address")
      .description("sign in by a link sent to an email address"),
  )
    .addHelpText("after", "\nExample:\n  agentkeys init email ada@example.com --claim-code-file .agentkeys/claim-code")
    .action(async (address: string, _options: unknown, command: Command) => {
      await initEmail(contextOf(command, terminal), command.opts<EstablishOptions>(), address);
    });
}

async function initWallet(context: Context, options: InitWalletOptions): Promise<void> {
  const { home, terminal } = context;
  await assertFree(home, options.name);
  await assertWordsWillBeKept(terminal, options);
  const existing = await findAccount(context);
  if (existing !== undefined && options.solana !== undefined) {
    const otherwise = `add the key with \`agentkeys identities link wallet NAME --solana\``;
    throw new UsageError(`${home.path} has an account; ${otherwise}`);
  }
  // Asked before a wallet is made, so that a mistaken address costs nothing.
  const introduction = existing === undefined ? await introduce(context, options) : undefined;
  const passphrase = await takePassphrase(context, true);
  const wallet = await deriveWallet(await takeWords(terminal, options));
  const keystore = await terminal.progress("encrypting the wallet", lockWallet(wallet, passphrase));
  const { address } = wallet;
  const kept = await keepWallet(context, options.name, { address, path: derivationPath, keystore }, options.store);

  const signIn: SignIn & { method: "walletsig" } = {
    method: "walletsig",
    wallet: options.name,
    ...(options.solana === undefined ? {} : { solana: options.solana }),
  };
  const signer = await signerOf(wallet, options.solana);
  const work = signInAndBind(context, signIn, { wallet, signer }, introduction);
  const account = await work.catch((error: unknown) => {
    const solana = options.solana === undefined ? "" : ` --solana ${options.solana}`;
    const broker = context.broker === undefined ? "" : ` --broker ${context.broker}`;
    terminal.note(`The wallet is kept. Go on with:  agentkeys login --wallet ${options.name}${solana}${broker}`);
    throw error;
  });
  const solana = options.solana === undefined ? undefined : { address: signer.address, path: signer.path };
  context.show(
    {
      wallet: { name: options.name, address, path: derivationPath, store: kept.place },
      ...(solana === undefined ? {} : { solana }),
      account,
      ...(options.mnemonicOut === undefined ? {} : { mnemonic_file: options.mnemonicOut }),
    },
    [
      kept.line,
      ...(solana === undefined ? [] : [`solana   ${solana.address}  (${solana.path})`]),
      ...(options.mnemonicOut === undefined ? [] : [`words    ${options.mnemonicOut}: move them off this machine`]),
      `account  ${account}`,
    ],
  );
}

/** Signs in with a new wallet and binds it, or (where the home has an account) only binds it; the answer is the account. */
async function signInAndBind(
  context: Context,
  signIn: SignIn & { method: "walletsig" },
  { wallet, signer }: { readonly wallet: HDNodeWallet; readonly signer: WalletSigner },
  introduction: Introduction | undefined,
): Promise<string> {
  const { home, terminal } = context;
  if (introduction === undefined) {
    return asPerson(context, async (connection, { account }) => {
      await bindWallet(connection, account, wallet);
      return account;
    });
  }
  const signedIn = await terminal.progress("signing in", signInWithWallet(introduction.start, signer));
  const file = await establish(context, introduction, signedIn, signIn);
  if (signIn.solana === undefined) await bindWallet(await openAccount(home.account, file), file.account, wallet);
  return file.account;
}

async function initEmail(context: Context, options: EstablishOptions, email: string): Promise<void> {
  if ((await findAccount(context)) !== undefined) {
    throw new UsageError(
      `${context.home.path} has an account; sign in again with \`agentkeys login --email ${email}\``,
    );
  }
  const introduction = await introduce(context, options);
  const signIn: SignIn = { method: "email", email };
  const { account } = await establish(
    context,
    introduction,
    await signInBy(context, introduction.start, signIn),
    signIn,
  );
  context.show({ account, email }, [`account  ${account}  (${email})`]);
}

function parseWords(text: string): 12 | 24 {
  if (text === "12") return 12;
  if (text === "24") return 24;
  throw new InvalidArgumentError("it is 12 or 24.");
}
