import { Option, type Command } from "commander";
import { openWallet, signInAgain, signInBy } from "../account-session.ts";
import { openAccount, type SignIn } from "../account-file.ts";
import { contextOf, type Context } from "../context.ts";
import { bindWallet, listWallets } from "../sign-in/bind-wallet.ts";
import type { Terminal } from "../terminal.ts";
import { establish, findAccount, introduce, type EstablishOptions } from "./establish.ts";
import { addEstablishOptions } from "./options.ts";

interface LoginOptions extends EstablishOptions {
  readonly wallet?: string;
  readonly email?: string;
}

/** `agentkeys login`: a new session, in the way of the last one or in another. */
export function addLogin(program: Command, terminal: Terminal): void {
  addEstablishOptions(
    program
      .command("login")
      .description("sign in again, in the way of the last time or in the one named")
      .addOption(new Option("--wallet <name>", "by a wallet kept here").conflicts("email"))
      .option("--email <address>", "by a link sent to this address"),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  agentkeys login\n  agentkeys login --wallet default --passphrase-file passphrase.txt",
    )
    .action(async (_options: unknown, command: Command) => {
      await login(contextOf(command, terminal), command.opts<LoginOptions>());
    });
}

async function login(context: Context, options: LoginOptions): Promise<void> {
  const existing = await findAccount(context);
  const signIn = signInOf(options) ?? existing?.signIn ?? { method: "walletsig", wallet: "default" };
  // Opened first: a name that is not there, or a wrong passphrase, should not cost a challenge.
  if (signIn.method === "walletsig") await openWallet(context, signIn.wallet);
  let file;
  if (existing === undefined) {
    const introduction = await introduce(context, options);
    file = await establish(context, introduction, await signInBy(context, introduction.start, signIn), signIn);
  } else {
    file = await signInAgain(context, existing, signIn);
  }
  if (signIn.method === "walletsig") {
    // `init wallet` may have been stopped between signing in and this.
    const connection = await openAccount(context.home.account, file);
    const wallet = await openWallet(context, signIn.wallet);
    const bound = await listWallets(connection);
    if (!bound.some(({ address }) => address.toLowerCase() === wallet.address.toLowerCase())) {
      await bindWallet(connection, file.account, wallet);
    }
  }
  const how = signIn.method === "email" ? signIn.email : `wallet ${signIn.wallet}`;
  context.show({ account: file.account, broker: file.broker }, [
    `signed in to ${file.broker} as ${file.account} (${how})`,
  ]);
}

function signInOf({ wallet, email }: LoginOptions): SignIn | undefined {
  if (email !== undefined) return { method: "email", email };
  return wallet === undefined ? undefined : { method: "walletsig", wallet };
}
