import { describeError, isAgentKeysError } from "@agentkeys/core";
import { exit } from "./command.ts";

/** The data is not to be served as it is: starting again changes nothing before an operator has looked. */
const refusals: ReadonlySet<string> = new Set([
  "ERR_AUDIT_LOG_KEY",
  "ERR_AUDIT_IN_USE",
  "ERR_AUDIT_REWOUND",
  "ERR_AUDIT_FORK",
  "ERR_AUDIT_HIGH_WATER",
  "ERR_AUDIT_SEALED",
  "ERR_STORAGE_NEWER",
]);

/** Tells an error on stderr, with what to do next; answers the exit code it means. */
export function explain(error: unknown): number {
  if (!isAgentKeysError(error)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exit.failed;
  }
  process.stderr.write(`${error.code}: ${describeError(error.code)?.meaning ?? ""}\n`);
  for (const line of error.message.split("\n")) process.stderr.write(`  ${line}\n`);
  // A mistake in a plug-in's code: its author needs the place.
  if (error.code === "ERR_PLUGIN_FAILED" && error.cause instanceof Error)
    for (const line of (error.cause.stack ?? "").split("\n").slice(0, 3)) process.stderr.write(`  ${line}\n`);
  process.stderr.write(`  ${describeError(error.code)?.next ?? ""}\n`);
  return error.code.startsWith("ERR_CONFIG") || error.code.startsWith("ERR_PLUGIN") || refusals.has(error.code)
    ? exit.config
    : exit.failed;
}
