import { AgentKeysError } from "@agentkeys/core";
import type { Command } from "commander";
import type * as v from "valibot";
import { asPerson } from "../account-session.ts";
import { agentHome, openStoredAgent } from "../agent-file.ts";
import { contextOf, type Context } from "../context.ts";
import { AnsweredNo } from "../exit-code.ts";
import { formatTable, printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { agentsSchema, grantSchema, proposalSchema, proposalsSchema } from "../wire.ts";
import { formatGrant, formatLimits, formatScopeLine, formatSeconds } from "./grant-text.ts";
import { addLimitOptions, constraintsOf, type LimitOptions } from "./limit-options.ts";
import { addTtlOption, addYesOption, assertConfirmed, parsePositive } from "./options.ts";
import { addScopeOptions, scopeOf, type ScopeOptions } from "./scope-options.ts";

type Proposal = v.InferOutput<typeof proposalSchema>;

interface ProposeOptions extends ScopeOptions {
  readonly agent: string;
  readonly agentHome?: string;
  readonly ttl: number;
  readonly units?: number;
}

interface AcceptOptions extends LimitOptions {
  readonly yes?: boolean;
}

/** `agentkeys grants propose | proposals | accept | decline`: what agents wish for, and what their owner makes of it. */
export function addProposals(grants: Command, terminal: Terminal): void {
  const propose = grants
    .command("propose")
    .description("leave for the owner what an agent of this machine would ask for");
  addTtlOption(addScopeOptions(propose))
    .requiredOption("--agent <name>", "the agent, as it was paired here")
    .option("--agent-home <dir>", "where the agent's files lie; default the home folder")
    .option("--units <count>", "how much it takes of a budget of units; default 1", parsePositive)
    .addHelpText(
      "after",
      `
The same wish is the same proposal. It waits for 24 hours. \`agentkeys issue\` that is refused leaves one too.

Example:
  agentkeys grants propose --agent report --resource https://api.example.com --ttl 10m`,
    )
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const options = command.opts<ProposeOptions>();
      const { issuer, ttl, units } = options;
      const { connection } = await openStoredAgent(context, agentHome(context, options.agentHome), options.agent);
      const json = { issuer, scope: scopeOf(options), ttl, ...(units === undefined ? {} : { units }) };
      const proposal = await connection.ask({ method: "POST", path: "/v1/proposals", json }, proposalSchema);
      context.show(proposal, [...formatProposal(proposal, proposal.agent), nextOf(proposal)]);
      if (proposal.status !== "open") throw new AnsweredNo("the owner has declined it");
    });
  grants
    .command("proposals")
    .description("list what the agents of the account wish for")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const answer = await connection.ask({ method: "GET", path: "/v1/proposals" }, proposalsSchema);
        const rows = answer.proposals.map(({ id, agent, issuer, scope, ttl, units, expires_at: until }) => {
          const { actions, resources } = scope;
          return [id, agent, issuer, actions.join(" "), resources.join(" "), formatSeconds(ttl), units, until];
        });
        const headings = ["ID", "AGENT", "ISSUER", "ACTIONS", "RESOURCES", "FOR", "UNITS", "UNTIL"];
        context.show(answer, formatTable(headings, rows));
      });
    });
  const accept = grants
    .command("accept")
    .argument("<proposal>", "its id, prp_…")
    .description("make a grant of what an agent wishes for");
  addYesOption(addLimitOptions(accept, "; default what the agent wishes for"))
    .addHelpText(
      "after",
      "\nExample:\n  agentkeys grants accept prp_7h3k9m2p5r8t1w4y6a0c3e5g7j --max-uses 10 --expires 7d",
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { yes, ...limits } = command.opts<AcceptOptions>();
      const { proposal, name } = await asPerson(context, async (connection) => {
        const { proposals } = await connection.ask({ method: "GET", path: "/v1/proposals" }, proposalsSchema);
        const found = proposals.find((one) => one.id === id);
        if (found === undefined) throw new AgentKeysError("ERR_GRANT_NOT_FOUND", `no proposal ${id} is open`, {});
        const { agents } = await connection.ask({ method: "GET", path: "/v1/agents" }, agentsSchema);
        return { proposal: found, name: agents.find((one) => one.id === found.agent)?.name };
      });
      const constraints = { max_ttl: proposal.ttl, ...constraintsOf(limits) };
      const whose = name === undefined ? proposal.agent : `${name} (${proposal.agent})`;
      note(context, [...formatProposal(proposal, whose), `limits   ${formatLimits(constraints)}`]);
      await assertConfirmed(context, yes, "Grant this?", "nothing was granted");
      // Scope and limits are sent as they were shown.
      const json = { scope: proposal.scope, constraints };
      const path = `/v1/proposals/${encodeURIComponent(id)}/accept`;
      const grant = await asPerson(context, async (connection) =>
        connection.ask({ method: "POST", path, json }, grantSchema),
      );
      context.show(grant, formatGrant(grant));
    });
  grants
    .command("decline")
    .argument("<proposal>", "its id, prp_…")
    .description("decline what an agent wishes for; it is not put again while it would have waited")
    .action(async (id: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        await connection.send({ method: "POST", path: `/v1/proposals/${encodeURIComponent(id)}/decline` });
        context.show({ declined: id }, [`declined  ${id}`]);
      });
    });
}

function formatProposal({ id, issuer, scope, ttl, units }: Proposal, agent: string): readonly string[] {
  const amount = units === 1 ? "" : `, ${units} units`;
  return [
    `proposal ${id}`,
    `agent    ${agent}`,
    `wishes   ${issuer}: ${formatScopeLine(scope)}`,
    `for      ${formatSeconds(ttl)}${amount}`,
  ];
}

function nextOf({ id, status, expires_at: until }: Proposal): string {
  return status === "open"
    ? `next     the owner types, until ${until}: agentkeys grants accept ${id}`
    : "declined by the owner";
}

/** On stderr, so that the result stands alone on stdout. */
function note({ terminal }: Context, lines: readonly string[]): void {
  for (const line of lines) terminal.note(printable(line));
}
