import type { Command } from "commander";
import { asPerson } from "../account-session.ts";
import { contextOf } from "../context.ts";
import { listWallets } from "../sign-in/bind-wallet.ts";
import { printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { accountSchema } from "../wire.ts";

/** `agentkeys whoami`: the account, its identities and its wallets. */
export function addWhoami(program: Command, terminal: Terminal): void {
  program
    .command("whoami")
    .description("show the account, its identities and its wallets")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const account = await connection.ask({ method: "GET", path: "/v1/account" }, accountSchema);
        const wallets = await listWallets(connection);
        context.show({ broker: connection.broker, ...account, wallets }, [
          `broker    ${connection.broker}`,
          `account   ${account.account}`,
          `role      ${account.role}`,
          ...account.identities.map(({ type, value }) => `identity  ${type} ${printable(value)}`),
          ...wallets.map(({ address, custody }) => `wallet    ${address} (kept by the ${custody})`),
        ]);
      });
    });
}
