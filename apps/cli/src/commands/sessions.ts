import type { Command } from "commander";
import { asPerson } from "../account-session.ts";
import { contextOf } from "../context.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { sessionsSchema } from "../wire.ts";

/** `agentkeys sessions …`: where the person is signed in. */
export function addSessions(program: Command, terminal: Terminal): void {
  const sessions = program.command("sessions").description("where the person of the account is signed in");
  sessions
    .command("list")
    .description("list the person's sessions")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        const answer = await connection.ask({ method: "GET", path: "/v1/sessions" }, sessionsSchema);
        const rows = answer.sessions.map(({ id, created_at: since, expires_at: until, amr, current }) => [
          id,
          since,
          until,
          amr.join(" "),
          current ? "this one" : "",
        ]);
        context.show(answer, formatTable(["ID", "SINCE", "UNTIL", "BY", ""], rows));
      });
    });
  sessions
    .command("revoke")
    .argument("<session>", "its id, ses_…")
    .description("end a session at once; `agentkeys logout --everywhere` ends all")
    .action(async (id: string, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      await asPerson(context, async (connection) => {
        await connection.send({ method: "DELETE", path: `/v1/sessions/${encodeURIComponent(id)}` });
        context.show({ revoked: id }, [`revoked  ${id}`]);
      });
    });
}
