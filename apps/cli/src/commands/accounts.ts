import { rm } from "node:fs/promises";
import { AgentKeysError } from "@agentkeys/core";
import { Option, type Command } from "commander";
import type * as v from "valibot";
import { asPerson } from "../account-session.ts";
import { contextOf } from "../context.ts";
import { formatTable, printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { accountsSchema, inviteSchema, invitesSchema, recoverySchema, rightsSchema } from "../wire.ts";
import { formatScopeLine, formatSeconds } from "./grant-text.ts";
import { addYesOption, assertConfirmed, parseSeconds } from "./options.ts";

/** `agentkeys accounts …`: what an operator does about other people's accounts. */
export function addAccounts(program: Command, terminal: Terminal): void {
  const accounts = program.command("accounts").description("accounts of this broker; for its operators");
  accounts
    .command("list")
    .description("list every account with its identities and rights")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const found = [];
        for (let path: string | undefined = "/v1/accounts?limit=200"; path !== undefined;) {
          const page: { accounts: readonly Listed[]; next?: string | undefined } = await connection.ask(
            { method: "GET", path },
            accountsSchema,
          );
          found.push(...page.accounts);
          const { next: after } = page;
          const next = after === undefined ? undefined : `/v1/accounts?limit=200&after=${encodeURIComponent(after)}`;
          if (next !== undefined && (next === path || page.accounts.length === 0)) throw endless(path);
          path = next;
        }
        const rows = found.map(({ account, role, suspended_at: since, identities }) => [
          account,
          role,
          since === undefined ? "" : `suspended ${since}`,
          identities.map(({ type, value }) => `${type} ${value}`).join(", "),
        ]);
        context.show({ accounts: found }, formatTable(["ACCOUNT", "ROLE", "STATE", "IDENTITIES"], rows));
      });
    });
  addInvites(accounts, terminal);
  addStates(accounts, terminal);
  addYesOption(
    accounts
      .command("recover")
      .argument("<account>", "the account, 64 hex digits")
      .description("make a code, good once for 24 hours, that lets its owner in with another identity"),
  ).action(async (account: string, _options: unknown, command: Command) => {
    const context = contextOf(command, terminal);
    const { yes } = command.opts<{ yes?: boolean }>();
    const question = `Whoever has the code takes over ${account}. Make it?`;
    await assertConfirmed(context, yes, question, "no code was made");
    await asPerson(context, async (connection) => {
      const answer = await connection.ask({ method: "POST", path: pathOf(account, "recovery") }, recoverySchema);
      context.show(answer, [
        `code     ${answer.code}`,
        `until    ${answer.expires_at}`,
        "Its owner:  agentkeys init wallet --claim-code CODE   (or init email)",
      ]);
    });
  });
}

function endless(url: string): AgentKeysError {
  const reason = "its pages do not end";
  return new AgentKeysError("ERR_REQUEST_ANSWER", `${url}: ${reason}`, { url, reason });
}

type Listed = v.InferOutput<typeof accountsSchema>["accounts"][number];

function addInvites(accounts: Command, terminal: Terminal): void {
  accounts
    .command("invite")
    .description("make a code with which one person may sign up")
    .addOption(new Option("--role <role>", "what they will be").choices(["member", "operator"]).default("member"))
    .option("--expires <duration>", "how long it is good, 1m to 30d", parseSeconds, 7 * 86_400)
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const { role, expires } = command.opts<{ role: string; expires: number }>();
      await asPerson(context, async (connection) => {
        const json = { role, expires_in: expires };
        const answer = await connection.ask({ method: "POST", path: "/v1/accounts/invites", json }, inviteSchema);
        context.show(answer, [
          `code     ${answer.code}   (shown only now)`,
          `id       ${answer.id}`,
          `until    ${answer.expires_at}`,
          "To sign up:  agentkeys init wallet --claim-code CODE   (or init email)",
        ]);
      });
    });
  accounts
    .command("invites")
    .description("list the invites that can still be used")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const answer = await connection.ask({ method: "GET", path: "/v1/accounts/invites" }, invitesSchema);
        const rows = answer.invites.map(({ id, role, expires_at: until }) => [id, role, until]);
        context.show(answer, formatTable(["ID", "ROLE", "UNTIL"], rows));
      });
    });
  accounts
    .command("uninvite")
    .argument("<invite>", "its id, as listed")
    .description("take an invite back")
    .action(async (id: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        await connection.send({ method: "DELETE", path: `/v1/accounts/invites/${encodeURIComponent(id)}` });
        context.show({ revoked: id }, [`revoked  ${id}`]);
      });
    });
}

function addStates(accounts: Command, terminal: Terminal): void {
  for (const [verb, done, description] of [
    ["suspend", "suspended", "stop an account at once: its sessions, its agents, its sign-ins"],
    ["resume", "resumed", "let a suspended account go on"],
  ] as const) {
    accounts
      .command(verb)
      .argument("<account>", "the account, 64 hex digits")
      .description(description)
      .action(async (account: string, _options: unknown, command: Command) => {
        const context = contextOf(command, terminal);
        await asPerson(context, async (connection) => {
          await connection.send({ method: "POST", path: pathOf(account, verb) });
          context.show({ [done]: account }, [`${done}  ${account}`]);
        });
      });
  }
}

/** `agentkeys rights`: who may hand out what, for operators. */
export function addRights(program: Command, terminal: Terminal): void {
  program
    .command("rights")
    .description("show the rights and ceilings in force; for operators")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const answer = await connection.ask({ method: "GET", path: "/v1/rights" }, rightsSchema);
        const line = (who: string, row: (typeof answer.ceilings)[number]) => [
          who,
          row.issuer,
          formatScopeLine(row.scope),
          formatSeconds(row.max_ttl),
        ];
        const rows = [
          ...answer.rights.map((row) => line(Object.entries(row.who).flat().join(" "), row)),
          ...answer.ceilings.map((row) => line("ceiling of all", row)),
        ];
        context.show(answer, [`policy  ${answer.policy}`, ...formatTable(["WHO", "ISSUER", "SCOPE", "AT MOST"], rows)]);
      });
    });
}

/** `agentkeys account erase`: the person's own account, with all that is known of it. */
export function addAccount(program: Command, terminal: Terminal): void {
  addYesOption(
    program
      .command("account")
      .description("your own account")
      .command("erase")
      .description("erase the account: agents, grants, identities, and what opens its audit records"),
  ).action(async (_options: unknown, command: Command) => {
    const context = contextOf(command, terminal);
    const { yes } = command.opts<{ yes?: boolean }>();
    await asPerson(context, async (connection, { account }) => {
      const question = `Erase ${account} on ${printable(connection.broker)}, with its agents and grants? It cannot be undone.`;
      await assertConfirmed(context, yes, question, "nothing was erased");
      await connection.send({ method: "DELETE", path: "/v1/account" });
      await rm(context.home.account, { force: true });
      context.show({ erased: account }, [`erased  ${account}`]);
    });
  });
}

function pathOf(account: string, verb: string): string {
  return `/v1/accounts/${encodeURIComponent(account)}/${verb}`;
}
