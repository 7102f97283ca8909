import { parseDuration } from "@agentkeys/core";
import { InvalidArgumentError, type Command } from "commander";

/** Adds what a command needs that may meet a broker for the first time. */
export function addEstablishOptions(command: Command): Command {
  return command
    .option("--claim-code <code>", "claim a new broker with the code it printed")
    .option("--claim-code-file <file>", "the same, from a file (mode 0600)")
    .option("--witness <vkey>", "trust the cosignatures of this witness; may be repeated", collect);
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

/** Whole seconds of `10m`, `30d`, `90s`. */
export function parseSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || !Number.isInteger(seconds)) {
    throw new InvalidArgumentError("it is a duration such as 90s, 10m, 1h or 30d.");
  }
  return seconds;
}

/** A whole number from 1. */
export function parsePositive(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/u.test(text)) throw new InvalidArgumentError("it is a whole number from 1.");
  return Number(text);
}
