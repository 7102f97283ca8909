/** Exit codes of `agentkeys-broker`. */
export const exit = { done: 0, failed: 1, usage: 64, storage: 70, config: 78 } as const;

/** What a command was given, as it stood on the command line. */
export interface Given {
  /** `--config`. */
  readonly config: string | undefined;
  /** The words after the command's own. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** One option of a command. */
export interface CommandOption {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** What it is for, in one line. */
  readonly help: string;
}

/** One command of `agentkeys-broker`. */
export interface Command {
  /** Its words, e.g. `config check`; empty for starting the broker. */
  readonly name: string;
  /** What follows them, e.g. `DIR --new-epoch [--yes]`. */
  readonly takes: string;
  readonly summary: string;
  /** More for `--help`: what it does. */
  readonly help: string;
  /** For `--help`: lines as they are typed. */
  readonly examples: readonly string[];
  /** How many words it takes. */
  readonly words: number;
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Answers the exit code. */
  run(given: Given): Promise<number>;
}

/** What was typed is not what a command takes. */
export class UsageError extends Error {}

/** Lines for a person, on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
