import { isAgentKeysError } from "@agentkeys/core";
import { reportJson, reportText } from "../report.ts";
import { judgeLog } from "./audit-command.ts";
import { judgeHeads } from "./diff-command.ts";
import { exitCodeOf, type Judged } from "./judged.ts";
import { judgeReceipt } from "./receipt-command.ts";
import { usage } from "./usage.ts";

/** The program: reads its arguments and files, prints the verdict, answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    return print(usage);
  }
  let judged: Judged;
  try {
    judged = await judge(args);
  } catch (error) {
    process.stderr.write(`agentkeys-verify: ${error instanceof Error ? error.message : String(error)}\n`);
    if (!isAgentKeysError(error)) process.stderr.write("Try agentkeys-verify --help.\n");
    return 64;
  }
  const { verdict, met, json } = judged;
  const failed = await print(json ? `${JSON.stringify(reportJson(verdict, met), null, 2)}\n` : reportText(verdict));
  if (failed !== 0) return failed;
  const code = exitCodeOf(judged);
  if (code === 10 && verdict.level !== "UNDECIDED")
    process.stderr.write("agentkeys-verify: this is below what is required\n");
  return code;
}

/** Writes to standard output; answers 0, or 74 where it cannot be written. Who reads no more (`| head -1`) has still the verdict's code. */
async function print(text: string): Promise<0 | 74> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null | undefined>();
  process.stdout.once("error", resolve);
  process.stdout.write(text, resolve);
  const error = await promise;
  if (error === null || error === undefined || error.code === "EPIPE") return 0;
  process.stderr.write(`agentkeys-verify: the report cannot be written: ${error.message}\n`);
  return 74;
}

/** A file of a command's name is written with its folder: `./audit`. */
async function judge(args: readonly string[]): Promise<Judged> {
  const [command, ...rest] = args;
  if (command === "audit") return judgeLog(rest);
  return command === "diff" ? judgeHeads(rest) : judgeReceipt(args);
}
