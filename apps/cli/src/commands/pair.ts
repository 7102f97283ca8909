import { pairAgent, type Trust } from "@agentkeys/client";
import type { Command } from "commander";
import { agentHome, findProfile, writeProfile } from "../agent-file.ts";
import { readAccount } from "../account-file.ts";
import { brokerOf, contextOf, type Context } from "../context.ts";
import { formatInstant, formatJson } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { collect } from "./options.ts";

interface PairOptions {
  readonly name: string;
  readonly agentHome?: string;
  readonly clientId?: string;
  readonly witness?: readonly string[];
  readonly logKey?: string;
  readonly replace?: boolean;
}

/** `agentkeys agents pair`: the agent's side of a pairing. */
export function addPair(agents: Command, terminal: Terminal): void {
  agents
    .command("pair")
    .description("make an agent's key here and wait until a person approves it")
    .requiredOption("--name <name>", "how to call the agent here; also what the person is shown")
    .option("--agent-home <dir>", "where the agent's files lie; default the home folder")
    .option("--client-id <id>", "one of the broker's clients", "agentkeys")
    .option("--witness <vkey>", "trust the cosignatures of this witness; may be repeated", collect)
    .option("--log-key <vkey>", "the log's key, known from elsewhere; default the one the broker names now")
    .option("--replace", "pair anew under a name that is taken")
    .addHelpText(
      "after",
      `
With --json two lines are printed: {"event":"user_code",…} at once, {"event":"paired",…} at the end.

Example:
  agentkeys agents pair --name report`,
    )
    .action(async (_options: unknown, command: Command) => {
      await pair(contextOf(command, terminal), command.opts<PairOptions>());
    });
}

async function pair(context: Context, options: PairOptions): Promise<void> {
  const { name, clientId } = options;
  const home = agentHome(context, options.agentHome);
  if ((await findProfile(home, name)) !== undefined && options.replace !== true) {
    throw new UsageError(`agent ${name} is paired already (${home.agent(name)}): give another name, or --replace`);
  }
  const { broker, trust } = await neighbour(context);
  const profile = await pairAgent({
    broker,
    clientName: name,
    clientId,
    witnesses: options.witness ?? trust?.witnesses,
    logVkey: options.logKey ?? trust?.log,
    onUserCode({ userCode, verificationUri, expiresAt, keyThumbprint }) {
      const until = new Date(expiresAt).toISOString();
      if (context.isJson) {
        const event = { event: "user_code", user_code: userCode, verification_uri: verificationUri, expires_at: until };
        context.terminal.print(formatJson({ ...event, key_thumbprint: keyThumbprint }));
      }
      context.terminal.note(`Approve this agent:  agentkeys agents approve ${userCode}   (or see ${verificationUri})`);
      context.terminal.note(`Its key:             ${keyThumbprint}`);
      context.terminal.note(`Waiting until ${formatInstant(expiresAt)} …`);
    },
  });
  await writeProfile(home, name, profile);
  context.show({ event: "paired", agent: profile.agent, name, profile: home.agent(name) }, [
    `paired  ${name}  ${profile.agent}  (${home.agent(name)})`,
  ]);
}

/** The broker and trust of the account in the same home, where it is of the broker meant. */
async function neighbour(context: Context): Promise<{ readonly broker: string; readonly trust?: Trust }> {
  const account = await readAccount(context.home.account);
  if (account === undefined || (context.broker ?? account.broker) !== account.broker) {
    return { broker: brokerOf(context) };
  }
  return { broker: account.broker, trust: account.trust };
}
