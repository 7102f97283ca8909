import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ask, AskingEnded } from "./ask.ts";
import { createPlugin, type NewPlugin } from "./create-plugin.ts";
import { packageName } from "./naming.ts";
import { help, parseOptions, UsageError } from "./options.ts";

const templates = fileURLToPath(new URL("../templates", import.meta.url));

/** The program `create-agentkeys-plugin`. Answers its exit code: 0 done, 1 not possible, 2 called wrongly, 130 stopped. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.isHelp) return say(help);
    if (options.isVersion) return say(`${version()}\n`);
    const plugin = await ask(options);
    createPlugin(plugin, templates);
    return say(nextSteps(plugin));
  } catch (error) {
    return complain(error);
  }
}

function complain(error: unknown): number {
  if (error instanceof AskingEnded) return 130;
  const isUsage = error instanceof UsageError;
  process.stderr.write(`create-agentkeys-plugin: ${isUsage ? error.message : explain(error)}\n`);
  return isUsage ? 2 : 1;
}

function explain(error: unknown): string {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === "EEXIST")
    return `${path ?? "the folder"} is there already, and nothing is overwritten: name another folder`;
  if (code === "ENOENT") return `${path ?? "the folder"} cannot be made: the folder above it is not there`;
  return message;
}

function nextSteps({ kind, name, scope, folder }: NewPlugin): string {
  const named = packageName(scope, kind, name);
  return `Made ${named} in ${folder}. It works as it is; now make it yours:

  cd ${folder}
  npm install
  npm test                  # builds it, and runs its tests and the conformance kit
  npm run conformance       # writes the result into README.md
  npm pack                  # what you would publish

An operator installs it beside their agentkeys.toml and selects it there, as README.md shows.
Guide: https://github.com/agentkeys/agentkeys/blob/main/docs/build/plugin.md
`;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
