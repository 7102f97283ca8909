import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../src/bin.ts", import.meta.url));

/** The command as a line for a shell or a spawn: this Node, the program's sources. */
export const commandLine = ["--conditions=agentkeys-source", "--disable-warning=ExperimentalWarning", program] as const;

/** How a process ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when stdout or stderr has matched. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

// A process compiles what the one before it compiled; it is a third of its time.
const shared = { NODE_COMPILE_CACHE: join(tmpdir(), "agentkeys-cli-test-compile-cache") };

/** Starts the command as a process of its own, without a terminal. */
export function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  return watch(
    spawn(process.execPath, [...commandLine, ...args], { env: { ...process.env, ...shared, ...environment } }),
  );
}

/** Collects what a process writes. */
export function watch(child: ChildProcessWithoutNullStreams): Running {
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const look of waiting) look();
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>();
  child.on("error", reject);
  child.on("close", (code) => resolve({ code, stdout, stderr }));
  return {
    child,
    ended,
    async until(pattern) {
      const found = Promise.withResolvers<RegExpExecArray>();
      const look = (): void => {
        const match = pattern.exec(stdout) ?? pattern.exec(stderr);
        if (match !== null) found.resolve(match);
      };
      waiting.add(look);
      look();
      void ended.then(() => found.reject(new Error(`ended without ${String(pattern)}:\n${stdout}\n${stderr}`)));
      try {
        return await found.promise;
      } finally {
        waiting.delete(look);
      }
    },
  };
}

/** Runs the command to its end, with nothing on stdin. */
export async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { child, ended } = start(args, environment);
  child.stdin.end();
  return ended;
}

/** A folder for one test, and files in it. */
export interface Folder {
  readonly path: string;
  /** Writes a file of mode 0600, or the one given, and answers its path. */
  write(name: string, text: string, mode?: number): Promise<string>;
  remove(): Promise<void>;
}

export async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "agentkeys-cli-"));
  return {
    path,
    async write(name, text, mode = 0o600) {
      await writeFile(join(path, name), text, { mode });
      return join(path, name);
    },
    remove: async () => rm(path, { recursive: true, force: true }),
  };
}
