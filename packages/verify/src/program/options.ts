import { parseArgs } from "node:util";
import { parseRequirement, type Requirement } from "../requirement.ts";
import { readText } from "./files.ts";
import { readTrustFiles, type TrustFiles } from "./trust-files.ts";

/** The options that every command has, and the words beside them. */
export interface Options extends TrustFiles {
  readonly words: readonly string[];
  readonly requirement: Requirement;
  readonly json: boolean;
  /** The text options that the command has of its own. */
  readonly of: Readonly<Partial<Record<string, string>>>;
}

/** Reads the arguments of a command that has these text options of its own. Throws an Error that says what is wrong. */
export async function readOptions(args: readonly string[], own: readonly string[]): Promise<Options> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      trust: { type: "string" },
      anchors: { type: "string" },
      require: { type: "string", default: "signed" },
      json: { type: "boolean", default: false },
      ...Object.fromEntries(own.map((name) => [name, { type: "string" } as const])),
    },
  });
  const {
    trust,
    anchors,
    require: level,
    json,
    ...of
  } = values as Readonly<Record<string, unknown>> & {
    readonly trust?: string;
    readonly anchors?: string;
    readonly require: string;
    readonly json: boolean;
  };
  if (trust === undefined) throw new Error("say whom to trust with --trust");
  const requirement = parseRequirement(level);
  if (requirement === undefined) throw new Error("--require is signed, witnessed[:K] or anchored[:K]");
  const files = await readTrustFiles(trust, anchors);
  return { ...files, words: positionals, requirement, json, of: of as Options["of"] };
}

/** Milliseconds of `--timeout`, in whole seconds. */
export function parseTimeout(text = "30"): number {
  if (!/^[1-9][0-9]{0,3}$/u.test(text)) throw new Error("--timeout is a number of seconds from 1 to 9999");
  return Number(text) * 1000;
}

/** An auditor's token from its file. */
export function readToken(path: string): string {
  const token = readText(path).trim();
  if (!/^[!-~]{1,4096}$/u.test(token)) throw new Error(`${path} does not hold a token`);
  return token;
}
