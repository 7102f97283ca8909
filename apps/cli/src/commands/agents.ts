import type { BrokerConnection } from "@agentkeys/client";
import { AgentKeysError, isIdentifier } from "@agentkeys/core";
import type { Command } from "commander";
import { asPerson } from "../account-session.ts";
import { contextOf } from "../context.ts";
import { formatTable, printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { agentSchema, agentsSchema, pairingSchema } from "../wire.ts";
import { assertConfirmed } from "./options.ts";
import { addPair } from "./pair.ts";

/** `agentkeys agents …`: pair, approve, deny, list, revoke. */
export function addAgents(program: Command, terminal: Terminal): void {
  const agents = program.command("agents").description("pair agents with the account, and take them off it");
  addPair(agents, terminal);
  agents
    .command("approve")
    .argument("<code>", "the code the agent shows, XXXX-XXXX")
    .description("show what waits under a code, and pair it with the account")
    .option("--name <name>", "how to call the agent; default the name it gave")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExample:\n  agentkeys agents approve WDJB-MJHT --name report")
    .action(async (code: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { name, yes } = command.opts<{ name?: string; yes?: boolean }>();
      await asPerson(context, async (connection) => {
        const path = "/v1/pairings/view";
        const pairing = await connection.ask({ method: "POST", path, json: { user_code: code } }, pairingSchema);
        for (const line of [
          `client   ${pairing.client_id}, calls itself ${JSON.stringify(printable(pairing.client_name ?? ""))} (unverified)`,
          `key      ${pairing.key_thumbprint}`,
          `from     ${pairing.address}, at ${pairing.requested_at}`,
        ]) {
          terminal.note(line);
        }
        await assertConfirmed(
          context,
          yes,
          "Is the key the one the agent shows? Approve it?",
          "not approved; `agentkeys agents deny CODE` tells the agent so",
        );
        const json = { user_code: code, ...(name === undefined ? {} : { name }) };
        const agent = await connection.ask({ method: "POST", path: "/v1/pairings/approve", json }, agentSchema);
        context.show(agent, [`paired  ${printable(agent.name)}  ${agent.id}`]);
      });
    });
  agents
    .command("deny")
    .argument("<code>", "the code the agent shows")
    .description("refuse what waits under a code")
    .action(async (code: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        await connection.send({ method: "POST", path: "/v1/pairings/deny", json: { user_code: code } });
        context.show({ denied: code }, ["denied"]);
      });
    });
  agents
    .command("list")
    .description("list the agents of the account")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const answer = await listAgents(connection);
        const rows = answer.agents.map(({ name, id, created_at: since, revoked_at: until }) => [
          name,
          id,
          since,
          until,
        ]);
        context.show(answer, formatTable(["NAME", "ID", "SINCE", "REVOKED"], rows));
      });
    });
  agents
    .command("revoke")
    .argument("<agent>", "its id or name")
    .description("take an agent off the account: its sessions and grants end at once")
    .option("-y, --yes", "do not ask")
    .action(async (agent: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { yes } = command.opts<{ yes?: boolean }>();
      await asPerson(context, async (connection) => {
        const id = await resolveAgent(connection, agent);
        await assertConfirmed(context, yes, `Revoke ${agent} (${id})? It cannot be undone.`, "nothing was revoked");
        await connection.send({ method: "DELETE", path: `/v1/agents/${encodeURIComponent(id)}` });
        context.show({ revoked: id }, [`revoked  ${id}`]);
      });
    });
}

async function listAgents(connection: BrokerConnection) {
  return connection.ask({ method: "GET", path: "/v1/agents" }, agentsSchema);
}

/** The id of a live agent given by id or name. Throws ERR_GRANT_NOT_FOUND, or a UsageError where several have the name. */
export async function resolveAgent(connection: BrokerConnection, agent: string): Promise<string> {
  if (isIdentifier("agt", agent)) return agent;
  const { agents } = await listAgents(connection);
  const named = agents.filter(({ name, revoked_at: until }) => name === agent && until === undefined);
  const [first, ...others] = named;
  if (first === undefined) {
    throw new AgentKeysError("ERR_GRANT_NOT_FOUND", `no live agent is called ${JSON.stringify(agent)}`, {});
  }
  if (others.length > 0) {
    throw new UsageError(
      `${named.length} agents are called ${agent}: give one of ${named.map(({ id }) => id).join(", ")}`,
    );
  }
  return first.id;
}
