import type { Command } from "commander";
import type * as v from "valibot";
import { asPerson } from "../account-session.ts";
import { agentHome, openStoredAgent } from "../agent-file.ts";
import { contextOf, type Context } from "../context.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { AnsweredNo } from "../exit-code.ts";
import { UsageError } from "../usage-error.ts";
import { explanationSchema, grantSchema, grantsSchema } from "../wire.ts";
import { resolveAgent } from "./agents.ts";
import { formatBudget, formatExplanation, formatGrant } from "./grant-text.ts";
import { addLimitOptions, constraintsOf, type LimitOptions } from "./limit-options.ts";
import { addTtlOption, assertConfirmed, parsePositive } from "./options.ts";
import { addProposals } from "./proposals.ts";
import { addScopeOptions, scopeOf, type ScopeOptions } from "./scope-options.ts";

interface CreateOptions extends ScopeOptions, LimitOptions {
  readonly agent: string;
}

interface ExplainOptions extends ScopeOptions {
  readonly agent?: string;
  readonly asAgent?: string;
  readonly agentHome?: string;
  readonly ttl: number;
  readonly units?: number;
}

/** `agentkeys grants …`: what an agent may ask for. */
export function addGrants(program: Command, terminal: Terminal): void {
  const grants = program.command("grants").description("say what an agent may ask for");
  const create = addScopeOptions(grants.command("create").description("let an agent ask for credentials"));
  addLimitOptions(create.requiredOption("--agent <agent>", "its id or name"))
    .addHelpText(
      "after",
      "\nExample:\n  agentkeys grants create --agent report --resource https://api.example.com --max-ttl 10m --max-uses 100 --expires 30d",
    )
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const options = command.opts<CreateOptions>();
      await asPerson(context, async (connection) => {
        const json = {
          agent: await resolveAgent(connection, options.agent),
          issuer: options.issuer,
          scope: scopeOf(options),
          constraints: constraintsOf(options),
        };
        const grant = await connection.ask({ method: "POST", path: "/v1/grants", json }, grantSchema);
        context.show(grant, formatGrant(grant));
      });
    });
  grants
    .command("list")
    .description("list the grants of the account")
    .option("--agent <agent>", "of this agent alone, by id or name")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { agent } = command.opts<{ agent?: string }>();
      await asPerson(context, async (connection) => {
        const query = agent === undefined ? "" : `?agent=${encodeURIComponent(await resolveAgent(connection, agent))}`;
        const answer = await connection.ask({ method: "GET", path: `/v1/grants${query}` }, grantsSchema);
        const rows = answer.grants.map((grant) => [
          grant.id,
          grant.agent,
          grant.issuer,
          grant.scope.resources.join(" "),
          `${grant.uses}/${grant.constraints.max_uses ?? "∞"}`,
          formatBudget(grant),
          grant.revoked_at === undefined ? grant.constraints.expires_at : "revoked",
        ]);
        context.show(answer, formatTable(["ID", "AGENT", "ISSUER", "RESOURCES", "USES", "BUDGET", "UNTIL"], rows));
      });
    });
  grants
    .command("revoke")
    .argument("<grant>", "its id, grn_…")
    .description("end a grant at once")
    .option("-y, --yes", "do not ask")
    .action(async (id: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { yes } = command.opts<{ yes?: boolean }>();
      await assertConfirmed(context, yes, `Revoke ${id}? It cannot be undone.`, "nothing was revoked");
      await asPerson(context, async (connection) => {
        await connection.send({ method: "DELETE", path: `/v1/grants/${encodeURIComponent(id)}` });
        context.show({ revoked: id }, [`revoked  ${id}`]);
      });
    });
  addTtlOption(
    addScopeOptions(
      grants.command("explain").description("say whether an agent would get a credential, and which layer refuses it"),
    ),
  )
    .option("--agent <agent>", "asked as the person, for this agent, by id or name")
    .option("--as-agent <name>", "asked as an agent of this machine")
    .option("--agent-home <dir>", "where that agent's files lie")
    .option("--units <count>", "how much it takes of a budget of units; default 1", parsePositive)
    .addHelpText(
      "after",
      "\nExits with 1 where it would be refused.\n\nExample:\n  agentkeys grants explain --agent report --resource https://api.example.com --ttl 1h",
    )
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { agent, asAgent, ...options } = command.opts<ExplainOptions>();
      const { issuer, ttl, units } = options;
      const json = { issuer, scope: scopeOf(options), ttl, ...(units === undefined ? {} : { units }) };
      const path = "/v1/grants/explain";
      if (asAgent !== undefined) {
        const { connection } = await openStoredAgent(context, agentHome(context, options.agentHome), asAgent);
        const answer = await connection.ask({ method: "POST", path, json }, explanationSchema);
        showExplanation(context, answer);
      } else if (agent === undefined) {
        throw new UsageError("give --agent AGENT, or --as-agent NAME on the agent's machine");
      } else {
        await asPerson(context, async (connection) => {
          const whole = { agent: await resolveAgent(connection, agent), ...json };
          const answer = await connection.ask({ method: "POST", path, json: whole }, explanationSchema);
          showExplanation(context, answer);
        });
      }
    });
  addProposals(grants, terminal);
}

function showExplanation(context: Context, answer: v.InferOutput<typeof explanationSchema>): void {
  context.show(answer, formatExplanation(answer));
  if (!answer.allowed) throw new AnsweredNo("it would be refused");
}
