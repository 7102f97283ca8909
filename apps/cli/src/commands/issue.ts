import type { Command } from "commander";
import { agentHome, openStoredAgent } from "../agent-file.ts";
import { contextOf } from "../context.ts";
import { writePrivate } from "../private-file.ts";
import { requestReceipted } from "../receipted-credential.ts";
import { formatInstant, formatJson, printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { addTtlOption, parsePositive } from "./options.ts";
import { addScopeOptions, scopeOf } from "./scope-options.ts";

interface IssueOptions {
  readonly agent: string;
  readonly agentHome?: string;
  readonly issuer: string;
  readonly action?: readonly string[];
  readonly resource: readonly string[];
  readonly ttl: number;
  readonly units?: number;
  readonly grant?: string;
  readonly receipt?: string;
  readonly out?: string;
}

/** `agentkeys issue`: one credential for an agent of this machine, with its receipt, or nothing. */
export function addIssue(program: Command, terminal: Terminal): void {
  addTtlOption(addScopeOptions(program.command("issue").description("get a credential as an agent of this machine")))
    .requiredOption("--agent <name>", "the agent, as it was paired here")
    .option("--agent-home <dir>", "where the agent's files lie; default the home folder")
    .option("--units <count>", "how much it takes of a budget of units; default 1", parsePositive)
    .option("--grant <id>", "under this grant; default the oldest that contains the ask")
    .option("--receipt <file>", "where the receipt is written; default receipts/RECORD.json in the home folder")
    .option("--out <file>", "write the credential to a file (mode 0600) instead of printing it")
    .addHelpText(
      "after",
      `
Only the credential goes to stdout. It is printed after its audit receipt was verified to be of it, or not at all.

Example:
  TOKEN=$(agentkeys issue --agent report --resource https://api.example.com --ttl 10m)`,
    )
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const options = command.opts<IssueOptions>();
      const home = agentHome(context, options.agentHome);
      const agent = await openStoredAgent(context, home, options.agent);
      const { issuer, ttl, units, grant } = options;
      const ask = { issuer, scope: scopeOf(options), ttl, units, grant };
      const { issued, receipt } = await terminal.progress(
        "waiting for the credential",
        requestReceipted(agent, ask, (record) => options.receipt ?? home.receipt(record)),
      );
      const value = typeof issued.value === "string" ? issued.value : formatJson(issued.value);
      if (options.out !== undefined) await writePrivate(options.out, `${value}\n`);
      terminal.note(
        `credential ${issued.id}, until ${formatInstant(issued.expiresAt * 1000)}; receipt verified: ${receipt}`,
      );
      const credential = {
        id: issued.id,
        issuer: issued.issuer,
        type: issued.type,
        ...(options.out === undefined ? { value: issued.value } : { file: options.out }),
        issued_at: formatInstant(issued.issuedAt * 1000),
        expires_at: formatInstant(issued.expiresAt * 1000),
      };
      context.show({ credential, record: issued.record, receipt }, []);
      if (!context.isJson && options.out === undefined) terminal.print(isText(value) ? value : formatJson(value));
    });
}

/** False for a value that would act upon a terminal: it is printed as JSON, where that stands escaped. */
function isText(value: string): boolean {
  const lines = value.replace(/\r?\n/gu, "");
  return printable(lines) === lines;
}
