import type { Command } from "commander";
import { signOut } from "../account-session.ts";
import { contextOf } from "../context.ts";
import type { Terminal } from "../terminal.ts";

/** `agentkeys logout`: ends the session, here and at the broker. */
export function addLogout(program: Command, terminal: Terminal): void {
  program
    .command("logout")
    .description("end the session; agents keep theirs, and `agentkeys login` makes a new one")
    .option("--everywhere", "every session of the account's person, on other machines too")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { everywhere } = command.opts<{ everywhere?: boolean }>();
      const isTold = await signOut(context, everywhere === true);
      if (!isTold)
        terminal.note("The broker was not reached: the session is forgotten here, and ends there by itself.");
      context.show({ signed_out: true, broker_told: isTold }, ["signed out"]);
    });
}
