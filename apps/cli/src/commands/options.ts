import { parseDuration } from "@agentkeys/core";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Context } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { largestIndex } from "../wallet/solana-key.ts";

/** Adds what a command needs that may meet a broker for the first time. */
export function addEstablishOptions(command: Command): Command {
  return command
    .option("--claim-code <code>", "the code a new broker printed, an invite, or a recovery code")
    .option("--claim-code-file <file>", "the same, from a file (mode 0600)")
    .option("--witness <vkey>", "trust the cosignatures of this witness; may be repeated", collect);
}

/** Adds the option that answers a command's question beforehand. */
export function addYesOption(command: Command): Command {
  return command.option("-y, --yes", "do not ask");
}

/** Adds the option that takes a Solana key in place of the wallet's Ethereum key. */
export function addSolanaOption(command: Command): Command {
  return command.addOption(
    new Option("--solana [index]", "by the Solana key of the same words, m/44'/501'/INDEX'/0'")
      .preset("0")
      .argParser(parseKeyIndex),
  );
}

function parseKeyIndex(text: string): number {
  if (/^(0|[1-9][0-9]{0,9})$/u.test(text) && Number(text) <= largestIndex) return Number(text);
  throw new InvalidArgumentError(`it is a whole number from 0 to ${largestIndex}.`);
}

/** Asks before what cannot be undone, unless `--yes` was given. Throws a UsageError that says `otherwise` for a no. */
export async function assertConfirmed(
  { terminal }: Pick<Context, "terminal">,
  yes: boolean | undefined,
  question: string,
  otherwise: string,
): Promise<void> {
  if (yes === true || (await terminal.confirm(question, "give --yes"))) return;
  throw new UsageError(otherwise);
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

/** Adds how long a credential lives. */
export function addTtlOption(command: Command): Command {
  return command.addOption(
    new Option("--ttl <duration>", "how long the credential lives").argParser(parseSeconds).default(600, "10m"),
  );
}

/** Whole seconds of `10m`, `30d`, `90s`. */
export function parseSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || !Number.isInteger(seconds)) {
    throw new InvalidArgumentError("it is a duration such as 90s, 10m, 1h or 30d.");
  }
  return seconds;
}

/** Whole seconds, written as a number or as a duration. */
export function parseSecondsOrDuration(text: string): number {
  return /^[0-9]+$/u.test(text) ? parsePositive(text) : parseSeconds(text);
}

/** An index of a record: a whole number, below 0 in an earlier epoch of the log. */
export function parseIndex(text: string): number {
  if (!/^(0|-?[1-9][0-9]{0,14})$/u.test(text)) throw new InvalidArgumentError("it is a whole number.");
  return Number(text);
}

/** A whole number from 1. */
export function parsePositive(text: string): number {
  if (!/^[1-9][0-9]{0,12}$/u.test(text)) throw new InvalidArgumentError("it is a whole number from 1.");
  return Number(text);
}
