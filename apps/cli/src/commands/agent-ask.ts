import type { Agent, CredentialAsk } from "@agentkeys/client";
import { Option, type Command } from "commander";
import { agentHome, openStoredAgent } from "../agent-file.ts";
import type { Context } from "../context.ts";
import type { Home } from "../home.ts";
import { UsageError } from "../usage-error.ts";
import { grantsSchema } from "../wire.ts";
import { collect, parsePositive, parseSeconds } from "./options.ts";

/** The options of {@link addAgentAskOptions}. */
export interface AgentAskOptions {
  readonly agent: string;
  readonly agentHome?: string;
  readonly issuer: string;
  readonly action?: readonly string[];
  readonly resource?: readonly string[];
  readonly ttl: number;
  readonly units?: number;
  readonly grant?: string;
}

/** An agent of this machine, and what it will ask for, as often as it has to. */
export interface AgentAsk {
  readonly agent: Agent;
  readonly home: Home;
  readonly ask: CredentialAsk;
}

/** Adds the options of a command that asks an issuer of AWS credentials, perhaps many times. */
export function addAgentAskOptions(command: Command): Command {
  return command
    .requiredOption("--agent <name>", "the agent, as it was paired here")
    .option("--agent-home <dir>", "where the agent's files lie; default the home folder")
    .option("--issuer <name>", "who makes the credential; one of type aws", "aws")
    .option("--action <action>", "what may be done; may be repeated; default all that its grant allows", collect)
    .option("--resource <resource>", "to what; may be repeated", collect)
    .addOption(
      new Option("--ttl <duration>", "how long one credential lives").argParser(parseSeconds).default(3600, "1h"),
    )
    .option("--units <count>", "how much each takes of a budget of units; default 1", parsePositive)
    .option("--grant <id>", "under this grant; default the oldest that contains the ask");
}

/** What the options say. Without a scope among them it is that of the agent's grant, which the broker is asked for. */
export async function openAgentAsk(context: Context, options: AgentAskOptions): Promise<AgentAsk> {
  const { issuer, ttl, units, grant, action, resource } = options;
  if ((action === undefined) !== (resource === undefined)) {
    throw new UsageError("give both --action and --resource, or neither for all that the grant allows");
  }
  const home = agentHome(context, options.agentHome);
  const agent = await openStoredAgent(context, home, options.agent);
  const ask = { issuer, ttl, units, grant };
  if (action !== undefined && resource !== undefined) {
    return { agent, home, ask: { ...ask, scope: { actions: action, resources: resource } } };
  }
  const granted = await onlyGrant(agent, issuer, grant);
  return { agent, home, ask: { ...ask, ...granted } };
}

/** The one live grant that is meant. Throws a UsageError where it is none, or not clear which. */
async function onlyGrant({ connection }: Agent, issuer: string, id: string | undefined) {
  const { grants } = await connection.ask({ method: "GET", path: "/v1/grants/mine" }, grantsSchema);
  const [first, ...more] = grants.filter((one) => (id === undefined ? one.issuer === issuer : one.id === id));
  if (first === undefined) throw new UsageError(`the agent has no live grant ${id ?? `of issuer ${issuer}`}`);
  if (more.length > 0) {
    const ids = [first, ...more].map((one) => one.id).join(", ");
    throw new UsageError(`the agent has several grants of issuer ${issuer}: give --grant with one of ${ids}`);
  }
  return { grant: first.id, scope: first.scope };
}
