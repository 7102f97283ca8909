import type { Command } from "commander";
import { awsCredentialOf, containerAnswer } from "../aws/aws-credential.ts";
import { awsEnvironment, regionOf } from "../aws/aws-environment.ts";
import { contextOf } from "../context.ts";
import { ProgramEnded } from "../exit-code.ts";
import { openLoopbackEndpoint } from "../loopback/endpoint.ts";
import { runProgram } from "../run-program.ts";
import type { Terminal } from "../terminal.ts";
import { addAgentAskOptions, openAgentAsk, type AgentAskOptions } from "./agent-ask.ts";
import { assertBehindDashes, type BehindDashes } from "./behind-dashes.ts";
import { keepIssued } from "./keep-issued.ts";

/** `agentkeys run`: a command whose AWS SDK finds the agent's credential behind a loopback address. */
export function addRun(program: Command, terminal: Terminal, behind: BehindDashes): void {
  addAgentAskOptions(
    program
      .command("run")
      .usage("[options] -- <command> [arguments...]")
      .description("run a command that gets its AWS credentials from an agent of this machine"),
  )
    .argument("[command...]", "the command and its arguments, after --")
    .addHelpText(
      "after",
      `
The command finds a loopback address and a token in its environment, and every AWS SDK asks there by itself. The
credential stays in the memory of this process, is renewed before it expires, and the address is gone with the command.
Other AWS credentials are taken out of the command's environment, and its SDK reads no file of ~/.aws.

Ends with the command's own exit code, 128 and the number for a signal, 127 where there is no such command and 126
where it cannot be run.

Examples:
  agentkeys run --agent report -- aws s3 ls s3://reports/2026/
  agentkeys run --agent report --action s3:GetObject --resource 'arn:aws:s3:::reports/*' --ttl 30m -- python3 report.py`,
    )
    .action(async (operands: readonly string[], _options: unknown, command: Command) => {
      const words = assertBehindDashes(behind, operands);
      const context = contextOf(command, terminal);
      const asked = await openAgentAsk(context, command.opts<AgentAskOptions>());
      const ended = new AbortController();
      const { broker } = asked.agent.connection;
      const current = keepIssued(context, asked, ended.signal, (issued) => awsCredentialOf(issued, broker));
      // Where the environment names no region the credential does, so it is needed before the command is.
      const region =
        regionOf(process.env) ?? (await terminal.progress("waiting for the credential", current())).value.region;
      const endpoint = await openLoopbackEndpoint(async () => containerAnswer((await current()).value));
      try {
        throw new ProgramEnded(await runProgram(words, awsEnvironment(process.env, endpoint, region)));
      } finally {
        ended.abort();
        await endpoint.close();
      }
    });
}
