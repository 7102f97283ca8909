import { parseArgs } from "node:util";
import { commands } from "./programs/commands.ts";
import { exit, UsageError, type Command, type CommandOption } from "./programs/command.ts";
import { explain } from "./programs/explain.ts";

const everywhere = {
  config: { type: "string", help: "the TOML file; else ./agentkeys.toml if it is there, else the defaults" },
  help: { type: "boolean", short: "h", help: "print this" },
} as const satisfies Record<string, CommandOption>;

/** Runs the program; answers its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const command = findCommand(args);
  try {
    if (command === undefined) throw new UsageError(complaint(args));
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...command.options, ...everywhere },
    });
    if (values["help"] === true) {
      process.stdout.write(command.name === "" ? usage() : usageOf(command));
      return exit.done;
    }
    const words = positionals.slice(wordsOf(command).length);
    if (words.length !== command.words) throw new UsageError(`this takes: ${lineOf(command)}`);
    const { config, ...options } = values as Record<string, string | boolean | undefined>;
    return await command.run({ config: config as string | undefined, words, options });
  } catch (error) {
    const isUnparsed = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    if (!isUnparsed && !(error instanceof UsageError)) return explain(error);
    process.stderr.write(
      `${error.message}\n\n${command === undefined || command.name === "" ? usage() : usageOf(command)}`,
    );
    return exit.usage;
  }
}

/** The command with the most words that the line begins with. Options may stand before them. */
function findCommand(args: readonly string[]): Command | undefined {
  const line = args.filter((word, at) => isWord(word) && args[at - 1] !== "--config");
  const fits = commands.filter((one) => wordsOf(one).every((word, at) => line[at] === word));
  const [longest] = fits.toSorted((left, right) => wordsOf(right).length - wordsOf(left).length);
  return longest?.name === "" && line.length > 0 ? undefined : longest;
}

/** Of a line that is no command. An option that there is not comes first: what stands behind it would pass for a command. */
function complaint(args: readonly string[]): string {
  const known = [everywhere, ...commands.map(({ options }) => options)].flatMap((options) => Object.keys(options));
  const stray = args.find((text) => text.startsWith("--") && !known.includes(text.slice(2).replace(/=.*/u, "")));
  return stray === undefined ? `unknown command: ${args.filter(isWord).join(" ")}` : `unknown option: ${stray}`;
}

const isWord = (text: string): boolean => !text.startsWith("-");
const wordsOf = ({ name }: Command): readonly string[] => (name === "" ? [] : name.split(" "));
const lineOf = ({ name, takes }: Command): string =>
  ["agentkeys-broker", name, takes, "[--config FILE]"].filter((part) => part !== "").join(" ");

const codes = `Exit codes: 0 done or stopped as asked, 1 failed, 130 or 143 stopped by a second signal, 64 usage, 70 storage failed,
78 configuration, or data that needs an operator.
`;

function usage(): string {
  const lines = commands.map((one) => `  ${lineOf(one)}\n      ${one.summary}`);
  return `agentkeys-broker: credentials for agents, recorded before they are released\n\n${lines.join("\n")}\n\n${codes}`;
}

function usageOf(command: Command): string {
  const options = Object.entries({ ...command.options, ...everywhere }).map(([name, option]) => {
    const { type, help, short }: CommandOption = option;
    const spelling = `--${name}${type === "string" ? " VALUE" : ""}${short === undefined ? "" : `, -${short}`}`;
    return `  ${spelling.padEnd(16)}  ${help}`;
  });
  const examples = command.examples.map((line) => `  ${line}`);
  const text = [command.summary, command.help, `Options:\n${options.join("\n")}`, `Example:\n${examples.join("\n")}`];
  return `${lineOf(command)}\n\n${text.join("\n\n")}\n\n${codes}`;
}
