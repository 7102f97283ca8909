import { Option, type Command } from "commander";
import { openWallet, signInAgain, signInBy } from "../account-session.ts";
import { openAccount, type SignIn } from "../account-file.ts";
import { contextOf, type Context } from "../context.ts";
import { bindWallet, listWallets } from "../sign-in/bind-wallet.ts";
import type { Terminal } from "../terminal.ts";
import { establish, findAccount, introduce, type EstablishOptions } from "./establish.ts";
import { addEstablishOptions, addSolanaOption } from "./options.ts";

interface LoginOptions extends EstablishOptions {
  readonly wallet?: string;
  readonly email?: string;
  readonly solana?: number;
}

/** `agentkeys login`: a new session, in the way of the last one or in another. */
export function addLogin(program: Command, terminal: Terminal): void {
  const added = program
    .command("login")
    .description("sign in again, in the way of the last time or in the one named")
    .addOption(new Option("--wallet <name>", "by a wallet kept here").conflicts("email"))
    .addOption(new Option("--email <address>", "by a link sent to this address").conflicts("solana"));
  addEstablishOptions(addSolanaOption(added))
    .addHelpText(
      "after",
      "\nExamples:\n  agentkeys login\n  agentkeys login --wallet default --passphrase-file passphrase.txt\n  agentkeys login --solana",
    )
    .action(async (_options: unknown, command: Command) => {
      await login(contextOf(command, terminal), command.opts<LoginOptions>());
    });
}

async function login(context: Context, options: LoginOptions): Promise<void> {
  const existing = await findAccount(context);
  const signIn = signInOf(options, existing?.signIn) ?? existing?.signIn ?? { method: "walletsig", wallet: "default" };
  // Opened first: a name that is not there, or a wrong passphrase, should not cost a challenge.
  if (signIn.method === "walletsig") await openWallet(context, signIn.wallet);
  let file;
  if (existing === undefined) {
    const introduction = await introduce(context, options);
    file = await establish(context, introduction, await signInBy(context, introduction.start, signIn), signIn);
  } else {
    file = await signInAgain(context, existing, signIn);
  }
  if (signIn.method === "walletsig" && signIn.solana === undefined) {
    // `init wallet` may have been stopped between signing in and this.
    const connection = await openAccount(context.home.account, file);
    const wallet = await openWallet(context, signIn.wallet);
    const bound = await listWallets(connection);
    if (!bound.some(({ address }) => address.toLowerCase() === wallet.address.toLowerCase())) {
      await bindWallet(connection, file.account, wallet);
    }
  }
  context.show({ account: file.account, broker: file.broker }, [
    `signed in to ${file.broker} as ${file.account} (${nameOf(signIn)})`,
  ]);
}

/** The way that the options name: a Solana key is of the wallet named, or of the one of the last time. */
function signInOf({ wallet, email, solana }: LoginOptions, last: SignIn | undefined): SignIn | undefined {
  if (email !== undefined) return { method: "email", email };
  if (solana === undefined) return wallet === undefined ? undefined : { method: "walletsig", wallet };
  const lastWallet = last?.method === "walletsig" ? last.wallet : undefined;
  return { method: "walletsig", wallet: wallet ?? lastWallet ?? "default", solana };
}

function nameOf(way: SignIn): string {
  if (way.method === "email") return way.email;
  const { wallet, solana } = way;
  return `wallet ${wallet}${solana === undefined ? "" : `, Solana key ${solana}`}`;
}
