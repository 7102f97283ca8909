import { UsageError } from "../usage-error.ts";

/** The words behind the first `--` of the command line, or undefined where there is none. */
export type BehindDashes = readonly string[] | undefined;

/** What stands behind `--`. */
export function behindDashes(args: readonly string[]): BehindDashes {
  const at = args.indexOf("--");
  return at === -1 ? undefined : args.slice(at + 1);
}

/** The command to run: all of the operands, and all behind `--`, so that no option of one is taken for the other's. */
export function assertBehindDashes(behind: BehindDashes, operands: readonly string[]): readonly string[] {
  if (behind === undefined || behind.length === 0 || behind.length !== operands.length) {
    throw new UsageError("put the command to run behind `--`, and nothing else before it but options");
  }
  return behind;
}
