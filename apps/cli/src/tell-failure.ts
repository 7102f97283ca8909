import { failureOf, formatFailure, formatFailureJson } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

const told = new WeakSet<Error>();

/** Says on stderr what an error is, once however often it is told, and answers the exit code of a command that ends with it. */
export function tellFailure(terminal: Terminal, error: unknown, isJson: boolean): number {
  const failure = failureOf(error);
  if (error instanceof Error && told.has(error)) return failure.exitCode;
  if (error instanceof Error) told.add(error);
  const text = isJson ? formatFailureJson(failure) : formatFailure(failure);
  for (const line of text.split("\n")) terminal.note(line);
  return failure.exitCode;
}
