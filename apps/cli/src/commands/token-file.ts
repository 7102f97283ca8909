import { resolve } from "node:path";
import type { IssuedCredential } from "@agentkeys/client";
import type { Command } from "commander";
import { agentHome, openStoredAgent } from "../agent-file.ts";
import { contextOf, type Context } from "../context.ts";
import { ProgramEnded } from "../exit-code.ts";
import { runProgram } from "../run-program.ts";
import { tellFailure } from "../tell-failure.ts";
import type { Terminal } from "../terminal.ts";
import { withTokenFile } from "../token-file.ts";
import { UsageError } from "../usage-error.ts";
import { assertBehindDashes, type BehindDashes } from "./behind-dashes.ts";

import { keepIssued } from "./keep-issued.ts";
import { addTtlOption, parsePositive } from "./options.ts";
import { addScopeOptions, scopeOf } from "./scope-options.ts";

interface CommandOptions {
  readonly agent: string;
  readonly agentHome?: string;
  readonly issuer: string;
  readonly action?: readonly string[];
  readonly resource: readonly string[];
  readonly out: string;
  readonly ttl: number;
  readonly units?: number;
  readonly grant?: string;
}

/** `agentkeys token-file`: a web-identity token in a file, fresh until the command ends or a signal comes. */
export function addTokenFile(program: Command, terminal: Terminal, behind: BehindDashes): void {
  addTtlOption(
    addScopeOptions(
      program
        .command("token-file")
        .usage("[options] [-- <command> [arguments...]]")
        .description("keep a file with a token of an agent fresh, while a command runs or until a signal"),
    ),
  )
    .argument("[command...]", "the command and its arguments, after --")
    .requiredOption("--agent <name>", "the agent, as it was paired here")
    .requiredOption("--out <file>", "where the token is kept (mode 0600); removed at the end")
    .option("--agent-home <dir>", "where the agent's files lie; default the home folder")
    .option("--units <count>", "how much each takes of a budget of units; default 1", parsePositive)
    .option("--grant <id>", "under this grant; default the oldest that contains the ask")
    .addHelpText(
      "after",
      `
The file is replaced as a whole before its token expires, and each token's audit receipt was verified. Without a command
it is kept until INT, TERM or HUP; with one it ends as \`agentkeys run\` does.

AWS SDKs exchange the token at STS by themselves, for a role that trusts this broker and this audience:
  AWS_ROLE_ARN=arn:aws:iam::123456789012:role/reports AWS_WEB_IDENTITY_TOKEN_FILE=$PWD/token \\
    agentkeys token-file --agent report --resource https://sts.example.com --out token -- aws s3 ls`,
    )
    .action(async (operands: readonly string[], _options: unknown, command: Command) => {
      const isPlain = behind === undefined && operands.length === 0;
      const words = isPlain ? undefined : assertBehindDashes(behind, operands);
      const context = contextOf(command, terminal);
      const options = command.opts<CommandOptions>();
      const { issuer, ttl, units, grant } = options;
      const path = resolve(options.out);
      const home = agentHome(context, options.agentHome);
      const agent = await openStoredAgent(context, home, options.agent);
      const asked = { agent, home, ask: { issuer, scope: scopeOf(options), ttl, units, grant } };
      const exitCode = await withTokenFile(
        {
          path,
          source(ended) {
            const current = keepIssued(context, asked, ended, tokenOf);
            return async () => (await terminal.progress("waiting for the token", current())).value;
          },
          onFailure: (error) => void tellFailure(terminal, error, context.isJson),
        },
        async () => (words === undefined ? untilSignal(context, path) : runProgram(words, process.env)),
      );
      if (exitCode !== 0) throw new ProgramEnded(exitCode);
    });
}

function tokenOf({ issuer, value }: IssuedCredential): string {
  if (typeof value !== "string") throw new UsageError(`issuer ${issuer} gives no token`);
  return value;
}

async function untilSignal(context: Context, path: string): Promise<number> {
  const { promise, resolve: end } = Promise.withResolvers<undefined>();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, () => end(undefined));
  context.terminal.note(`the token in ${path} is kept fresh until this ends`);
  if (context.isJson) context.show({ event: "kept", file: path }, []);
  await promise;
  return 0;
}
