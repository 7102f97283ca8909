import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { behindDashes } from "./commands/behind-dashes.ts";
import { exitCodes, ProgramEnded } from "./exit-code.ts";
import { buildProgram } from "./program.ts";
import { tellFailure } from "./tell-failure.ts";
import { openTerminal } from "./terminal.ts";

/** Runs a command line (without node and script) on this process's terminal, and answers its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", stopUnread);
  const terminal = openTerminal();
  const behind = behindDashes(args);
  try {
    await buildProgram(terminal, readVersion(), behind).parseAsync(args, { from: "user" });
    return exitCodes.done;
  } catch (error) {
    // Help and version that were asked for are thrown too.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    // No command at all: the help is on stderr already.
    if (error instanceof CommanderError && error.code === "commander.help") return exitCodes.usage;
    if (error instanceof ProgramEnded) return error.exitCode;
    const own = args.slice(0, args.length - (behind?.length ?? 0));
    return tellFailure(terminal, error, own.includes("--json"));
  }
}

/** Nobody reads any more, as after `| head -1`: there is nobody to tell, and nothing to go on for. */
function stopUnread(error: NodeJS.ErrnoException): void {
  process.exit(error.code === "EPIPE" ? exitCodes.unread : exitCodes.unexpected);
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
