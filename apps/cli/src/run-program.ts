import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";

const passedOn = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
/** What a terminal sends to all of its foreground group: the program has it already. */
const typed: ReadonlySet<string> = new Set(["SIGINT", "SIGQUIT"]);

/** How a shell counts what could not be started. */
const notFound = 127;
const notRunnable = 126;

/** A program could not be started; a shell would end with this exit code. */
export class NotStarted extends Error {
  readonly exitCode: number;
  constructor(program: string, cause: NodeJS.ErrnoException) {
    super(`${program}: ${cause.code === "ENOENT" ? "command not found" : (cause.code ?? cause.message)}`, { cause });
    this.exitCode = cause.code === "ENOENT" ? notFound : notRunnable;
  }
}

/**
 * Runs a program on this process's own stdin, stdout and stderr, passes signals on to it, and answers its exit code as a shell does:
 * 128 and the signal's number for one that a signal ended. Throws {@link NotStarted}.
 */
export async function runProgram(
  [program = "", ...args]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit", env: environment });
  const atTerminal = hasTerminal();
  const pass = (signal: NodeJS.Signals): void => {
    if (!(atTerminal && typed.has(signal))) child.kill(signal);
  };
  // However this process ends, the program does not go on without it.
  const stop = (): void => void child.kill();
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
  child.once("exit", (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]));
  child.on("error", (error) => {
    // A signal to a program of another user is an error too, and changes nothing.
    if (child.pid === undefined) reject(new NotStarted(program, error));
  });
  for (const signal of passedOn) process.on(signal, pass);
  process.on("exit", stop);
  try {
    return await ended;
  } finally {
    for (const signal of passedOn) process.off(signal, pass);
    process.off("exit", stop);
  }
}

/** True where keys typed at a terminal become signals to this process. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
