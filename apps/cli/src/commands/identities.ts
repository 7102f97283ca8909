import type { BrokerConnection } from "@agentkeys/client";
import type { Command } from "commander";
import { announce, asPerson, openWallet } from "../account-session.ts";
import { contextOf, type Context } from "../context.ts";
import { linkEmail } from "../sign-in/email-sign-in.ts";
import type { LinkedIdentity } from "../sign-in/sign-in.ts";
import { linkWallet } from "../sign-in/wallet-sign-in.ts";
import { signerOf } from "../sign-in/wallet-signer.ts";
import { formatTable, printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { accountSchema } from "../wire.ts";
import { addSolanaOption, addYesOption, assertConfirmed } from "./options.ts";

/** `agentkeys identities …`: in which ways a person can prove to be the owner of the account. */
export function addIdentities(program: Command, terminal: Terminal): void {
  const identities = program.command("identities").description("the ways in which you can sign in to the account");
  identities
    .command("list")
    .description("list them")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const account = await connection.ask({ method: "GET", path: "/v1/account" }, accountSchema);
        const rows = account.identities.map(({ type, value, linked_at: since }) => [type, value, since]);
        context.show({ identities: account.identities }, formatTable(["TYPE", "IDENTITY", "SINCE"], rows));
      });
    });
  addLink(identities, terminal);
  addYesOption(
    identities
      .command("unlink")
      .argument("<type>", "its type, as listed")
      .argument("<identity>", "as listed")
      .description("take a way to sign in off the account; it opens no account later"),
  ).action(async (type: string, value: string, _options: unknown, command: Command) => {
    const context = contextOf(command, terminal);
    const { yes } = command.opts<{ yes?: boolean }>();
    const question = `Unlink ${type} ${printable(value)}? It can never sign in here again.`;
    await assertConfirmed(context, yes, question, "nothing was unlinked");
    await asPerson(context, async (connection) => {
      await connection.send({ method: "DELETE", path: "/v1/account/identities", json: { type, value } });
      context.show({ unlinked: { type, value } }, [`unlinked  ${type}  ${printable(value)}`]);
    });
  });
}

function addLink(identities: Command, terminal: Terminal): void {
  const link = identities.command("link").description("link another way to sign in; it has to be proven");
  addSolanaOption(
    link
      .command("wallet")
      .argument("<name>", "a wallet kept here, see `agentkeys wallets list`")
      .description("by a wallet"),
  ).action(async (name: string, _options: unknown, command: Command) => {
    const context = contextOf(command, terminal);
    const signer = await signerOf(await openWallet(context, name), command.opts<{ solana?: number }>().solana);
    await proveAndLink(context, async (connection) => linkWallet(connection, signer));
  });
  link
    .command("email")
    .argument("<address>", "an email address")
    .description("by a link sent to an email address")
    .action(async (address: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await proveAndLink(context, async (connection) =>
        linkEmail(connection, address, (invitation) => announce(context, invitation)),
      );
    });
}

async function proveAndLink(
  context: Context,
  prove: (connection: BrokerConnection) => Promise<LinkedIdentity>,
): Promise<void> {
  await asPerson(context, async (connection) => {
    const linked = await prove(connection);
    context.show(linked, [`linked  ${linked.type}  ${printable(linked.value)}`]);
  });
}
