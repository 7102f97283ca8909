import { createInterface, type Interface } from "node:readline/promises";
import type { NewPlugin } from "./create-plugin.ts";
import { findNameFault, findScopeFault, isKind, kinds, packageName } from "./naming.ts";
import { type Options, UsageError } from "./options.ts";

/** Somebody ended the terminal's input, or pressed Ctrl-C. */
export class AskingEnded extends Error {}

/** Completes the options: by asking on a terminal, else (or with `--yes`) from what was given alone. Throws UsageError. */
export async function ask(options: Options): Promise<NewPlugin> {
  const { kind, name, scope = "" } = options;
  if (kind !== undefined && name !== undefined && (options.isYes || options.scope !== undefined || !isTerminal()))
    return complete(options, { kind, name, scope });
  if (options.isYes || !isTerminal())
    throw new UsageError("--kind and --name must be given where nobody can be asked. See --help.");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  terminal.on("close", () => ended.abort());
  try {
    return await askAll(options, (question, fault) => askOne(terminal, question, fault, ended.signal));
  } finally {
    terminal.close();
  }
}

type AskOne = (question: string, findFault: (text: string) => string | undefined) => Promise<string>;

async function askAll(options: Options, askFor: AskOne): Promise<NewPlugin> {
  if (options.kind === undefined)
    for (const [kind, does] of Object.entries(kinds)) process.stderr.write(`  ${kind.padEnd(8)} ${does}\n`);
  const findKindFault = (text: string): string | undefined =>
    isKind(text) ? undefined : `a kind is ${Object.keys(kinds).join(", ")}`;
  const kind = options.kind ?? (await askFor("Kind: ", findKindFault));
  const name = options.name ?? (await askFor("Name, such as badge: ", findNameFault));
  const scope = options.scope ?? (await askFor("npm scope, such as @acme (Enter for none): ", findScopeFault));
  if (!isKind(kind)) throw new UsageError(`a kind is ${Object.keys(kinds).join(", ")}`);
  return complete(options, { kind, name, scope });
}

/** Asks until the answer is sound. */
async function askOne(
  terminal: Interface,
  question: string,
  findFault: (text: string) => string | undefined,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    const answer = await terminal.question(question, { signal }).catch(() => undefined);
    if (answer === undefined) throw new AskingEnded();
    const text = answer.trim();
    const fault = findFault(text);
    if (fault === undefined) return text;
    process.stderr.write(`  ${fault}\n`);
  }
}

function complete({ folder }: Options, named: Omit<NewPlugin, "folder">): NewPlugin {
  return { ...named, folder: folder ?? packageName("", named.kind, named.name) };
}

function isTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}
