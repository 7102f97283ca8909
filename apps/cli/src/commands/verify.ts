import { Outcome, recordTypeName } from "@agentkeys/log";
import { isMet, parseRequirement, parseTrustPolicy, verify, type Requirement, type Verdict } from "@agentkeys/verify";
import { InvalidArgumentError, type Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { printable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { addTrustOptions, formatPolicy, pinnedTrust, readNamedFile, type TrustOptions } from "./pinned-trust.ts";
import { VerdictBelow } from "../exit-code.ts";

interface VerifyOptions extends TrustOptions {
  readonly trust?: string;
  readonly require: Requirement;
}

/** `agentkeys audit verify FILE`: what a receipt proves, offline. */
export function addVerify(audit: Command, terminal: Terminal): void {
  addTrustOptions(
    audit.command("verify").argument("<file>", "a receipt").description("say what a receipt proves, offline"),
  )
    .option("--trust <file>", "a C2SP trust policy; default the pinned keys")
    .option("--require <level>", "signed, witnessed or witnessed:K", parseLevel, { level: "signed" } as const)
    .addHelpText(
      "after",
      `
Exit codes: 0 what is required is met · 10 valid but below it · 20 invalid.

Example:
  agentkeys audit verify receipt.json --require witnessed`,
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      await verifyFile(contextOf(command, terminal), file, command.opts<VerifyOptions>());
    });
}

async function verifyFile(context: Context, file: string, options: VerifyOptions): Promise<void> {
  const text = await readNamedFile(file);
  const policy =
    options.trust === undefined
      ? formatPolicy(await pinnedTrust(context, options))
      : await readNamedFile(options.trust);
  const verdict = await verify(text, parseTrustPolicy(policy));
  const met = isMet(verdict, options.require);
  context.show({ met, ...reportOf(verdict) }, formatVerdict(verdict));
  if (!met) throw new VerdictBelow(verdict.level === "INVALID" ? 20 : 10);
}

function reportOf(verdict: Verdict): Record<string, unknown> {
  if (verdict.level === "INVALID")
    return { level: verdict.level, reason: verdict.reason, not_proven: verdict.notProven };
  const { level, witnesses, facts, notProven } = verdict;
  const { record } = facts;
  return {
    level,
    witnesses: witnesses.map(({ name, timestamp }) => ({ name, cosigned_at: instant(timestamp * 1000) })),
    log: facts.origin,
    size: facts.size,
    index: facts.index,
    record: record.id,
    time: instant(record.time),
    type: recordTypeName(record.type),
    outcome: outcomeName(record.outcome),
    ...facts.opened,
    ...(record.issuer === undefined ? {} : { issuer: record.issuer }),
    ...(record.validity === undefined ? {} : { validity: record.validity.map((seconds) => instant(seconds * 1000)) }),
    not_proven: notProven,
  };
}

function formatVerdict(verdict: Verdict): readonly string[] {
  const { level, witnesses, not_proven: unproven, ...facts } = reportOf(verdict);
  return [
    Array.isArray(witnesses) && level === "WITNESSED" ? `WITNESSED(${witnesses.length})` : String(level),
    ...Object.entries(facts).map(([name, value]) => `  ${name.padEnd(10)}  ${printable(String(value))}`),
    "not proven:",
    ...(unproven as readonly string[]).map((line) => `  - ${printable(line)}`),
  ];
}

function parseLevel(text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement === undefined) throw new InvalidArgumentError("it is signed, witnessed or witnessed:K.");
  return requirement;
}

function outcomeName(outcome: number): string {
  return Object.entries(Outcome).find(([, value]) => value === outcome)?.[0] ?? String(outcome);
}

/** RFC 3339, or the bare number where no calendar date has it. */
function instant(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
}
