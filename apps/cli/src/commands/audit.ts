import { setTimeout } from "node:timers/promises";
import { parseTrust, type BrokerConnection, type Trust } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";
import { parseReceipt, receiptMediaType, verifyReceipt, type VerifiedReceipt } from "@agentkeys/log";
import type { Command } from "commander";
import { asPerson } from "../account-session.ts";
import { agentHome, openStoredAgent } from "../agent-file.ts";
import { contextOf, type Context } from "../context.ts";
import { writePrivate } from "../private-file.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { recordsSchema } from "../wire.ts";
import { parseIndex, parsePositive, parseSeconds } from "./options.ts";
import { addTrustOptions, formatPolicy, pinnedTrust, type TrustOptions } from "./pinned-trust.ts";
import { addVerify } from "./verify.ts";

interface ShowOptions extends TrustOptions {
  readonly limit: number;
  readonly before?: number;
  readonly waitWitnessed?: number;
  readonly out?: string;
}

/** `agentkeys audit …`: the account's own records, their receipts, and what a receipt proves. */
export function addAudit(program: Command, terminal: Terminal): void {
  const audit = program.command("audit").description("records of the account, their receipts, and what those prove");
  addTrustOptions(
    audit
      .command("show")
      .argument("[record]", "id of one record: its receipt is fetched and verified")
      .description("list the account's records, or fetch one record's receipt as it is now"),
  )
    .option("--limit <count>", "how many records to list, newest first", parsePositive, 20)
    .option("--before <index>", "list the records before this one, as an index is shown", parseIndex)
    .option(
      "--wait-witnessed <duration>",
      "wait until a trusted witness has cosigned it, at most so long",
      parseSeconds,
    )
    .option("--out <file>", "write the receipt to a file")
    .addHelpText(
      "after",
      "\nExamples:\n  agentkeys audit show\n  agentkeys audit show 0199b6b4-… --wait-witnessed 30s --out receipt.json",
    )
    .action(async (record: string | undefined, _options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const options = command.opts<ShowOptions>();
      await (record === undefined ? listRecords(context, options) : showReceipt(context, record, options));
    });
  addVerify(audit, terminal);
  addTrustOptions(
    audit.command("trust").description("print the pinned keys as a C2SP trust policy, for agentkeys-verify"),
  )
    .addHelpText("after", "\nExample:\n  agentkeys audit trust > trust.policy")
    .action(async (_options: unknown, command: Command) => {
      const context = contextOf(command, terminal);
      const trust = await pinnedTrust(context, command.opts<TrustOptions>());
      context.show({ ...trust, policy: formatPolicy(trust) }, formatPolicy(trust).trimEnd().split("\n"));
    });
}

async function listRecords(context: Context, { limit, before }: ShowOptions): Promise<void> {
  await asPerson(context, async (connection) => {
    const query = `limit=${limit}${before === undefined ? "" : `&before=${before}`}`;
    const answer = await connection.ask({ method: "GET", path: `/v1/audit/records?${query}` }, recordsSchema);
    const rows = answer.records.map(({ index, id, time, type, outcome, agent, code }) => [
      index,
      typeof time === "number" ? new Date(time).toISOString() : time,
      type,
      outcome,
      agent,
      code,
      id,
    ]);
    context.show(answer, formatTable(["INDEX", "TIME", "TYPE", "OUTCOME", "AGENT", "CODE", "RECORD"], rows));
  });
}

async function showReceipt(context: Context, record: string, options: ShowOptions): Promise<void> {
  const trust = await pinnedTrust(context, options);
  if (options.waitWitnessed !== undefined && trust.witnesses.length === 0) {
    throw new UsageError("no witness is trusted here: name one by --witness VKEY");
  }
  const fetch = async (connection: BrokerConnection) => fetchReceipt(connection, record, trust, options.waitWitnessed);
  const { text, verified } =
    options.agent === undefined
      ? await asPerson(context, fetch)
      : await context.terminal.progress(
          "waiting for the receipt",
          openStoredAgent(context, agentHome(context, options.agentHome), options.agent).then(async ({ connection }) =>
            fetch(connection),
          ),
        );
  if (options.out !== undefined) await writePrivate(options.out, `${text}\n`);
  const { index, checkpoint, cosignatures } = verified;
  const witnesses = cosignatures.map(({ witness, timestamp }) => ({
    name: witness,
    cosigned_at: new Date(timestamp * 1000).toISOString(),
  }));
  const receipt = JSON.parse(text) as object;
  context.show(
    { record, index, log: checkpoint.origin, size: checkpoint.size, witnesses, receipt: options.out ?? receipt },
    [
      `record     ${record}, entry ${index} of ${checkpoint.size} in ${checkpoint.origin}`,
      `witnesses  ${witnesses.length === 0 ? "none trusted here yet" : witnesses.map(({ name }) => name).join(", ")}`,
      ...(options.out === undefined
        ? JSON.stringify(receipt, undefined, 2).split("\n")
        : [`receipt    ${options.out}`]),
    ],
  );
}

/** The receipt as it is now, verified; with `within` (seconds) asked for until a trusted witness has cosigned it. */
async function fetchReceipt(
  connection: BrokerConnection,
  record: string,
  trust: Trust,
  within: number | undefined,
): Promise<{ readonly text: string; readonly verified: VerifiedReceipt }> {
  const path = `/v1/audit/receipts/${encodeURIComponent(record)}`;
  const headers = { accept: `${receiptMediaType}, application/problem+json` };
  const giveUp = Date.now() + (within ?? 0) * 1000;
  for (;;) {
    const { text } = await connection.send({ method: "GET", path, headers });
    const verified = await verifyReceipt(parseReceipt(text), parseTrust(trust));
    if (verified.record.id !== record) {
      const reason = "it is of another record";
      throw new AgentKeysError("ERR_AUDIT_RECEIPT", reason, { reason });
    }
    if (within === undefined || verified.cosignatures.length > 0) return { text, verified };
    if (Date.now() > giveUp) {
      throw new AgentKeysError("ERR_AUDIT_UNWITNESSED", `no trusted witness has cosigned it within ${within} s`, {
        record,
      });
    }
    await setTimeout(500);
  }
}
