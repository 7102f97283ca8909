// The real programs, each a process of its own.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";

const source = join(import.meta.dirname, "../src/bin.ts");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly pid: number;
  /** Resolves when the program says that it is ready; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ended>;
  /** Resolves when a piece of its output is like that; rejects when it ends before. */
  says(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `agentkeys-broker` from its sources. */
export function startProgram(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): RunningProgram {
  const child = spawn(process.execPath, ["--conditions=agentkeys-source", source, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => {
      child.once("close", resolve);
    }),
  ]).then(([stdout, stderr, code]) => ({ code, stdout, stderr }));
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (bytes: Buffer) => {
        if (pattern.test(bytes.toString())) resolve();
      });
      void ended.then(({ code, stderr }) => reject(new Error(`it ended with ${code}: ${stderr}`)));
    });
  const ready = says(/^ready /mu);
  // Most callers wait for one of the two.
  ready.catch(() => undefined);
  return { pid: child.pid ?? 0, ready, ended, says, kill: (signal) => void child.kill(signal) };
}

/** Runs `agentkeys-broker` to its end. */
export async function runProgram(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const program = startProgram(args, cwd, env);
  const limit = new AbortController();
  const late = wait(60_000, undefined, { signal: limit.signal }).then(
    () => program.kill("SIGKILL"),
    () => undefined,
  );
  const ended = await program.ended;
  limit.abort();
  await late;
  return ended;
}
