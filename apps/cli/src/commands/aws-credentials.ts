import type { Command } from "commander";
import { awsCredentialOf, processAnswer } from "../aws/aws-credential.ts";
import { contextOf } from "../context.ts";
import { requestReceipted } from "../receipted-credential.ts";
import { formatJson } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { addAgentAskOptions, openAgentAsk, type AgentAskOptions } from "./agent-ask.ts";

/** `agentkeys aws-credentials`: an agent's credential in the form of a `credential_process` of the AWS SDKs. */
export function addAwsCredentials(program: Command, terminal: Terminal): void {
  addAgentAskOptions(
    program
      .command("aws-credentials")
      .description("print AWS credentials of an agent of this machine, as a credential_process does"),
  )
    .addHelpText(
      "after",
      `
AWS SDKs run it by themselves where ~/.aws/config says so:
  [profile report]
  credential_process = agentkeys aws-credentials --agent report
  region = eu-central-1

An SDK asks once a process and again before the credential expires: each ask is one use of the grant. Only the
credential goes to stdout, after its audit receipt was verified; nothing is stored but the receipt.

Example:
  AWS_PROFILE=report aws s3 ls s3://reports/2026/`,
    )
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { agent, home, ask } = await openAgentAsk(context, command.opts<AgentAskOptions>());
      const { issued } = await terminal.progress(
        "waiting for the credential",
        requestReceipted(agent, ask, (record) => home.receipt(record)),
      );
      terminal.print(formatJson(processAnswer(awsCredentialOf(issued, agent.connection.broker))));
    });
}
