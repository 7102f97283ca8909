import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A line that the appender says. */
export interface Line {
  readonly id?: string;
  readonly index?: number;
  readonly receipt?: string;
  readonly vkey?: string;
  readonly [name: string]: unknown;
}

/** How the appender is run. */
export interface AppenderOptions {
  /** Environment beside that of the test, e.g. that of a disk with faults. */
  readonly env?: Readonly<Record<string, string>>;
  readonly callers?: number;
  readonly rotations?: number;
}

const appender = fileURLToPath(new URL("./appender.ts", import.meta.url));

/** Runs the appender on a folder and collects its lines; `seen` is called for each. `prefix` is shell text before it. */
export async function runAppender(
  folder: string,
  prefix: string,
  seen: (lines: Line[], kill: () => void) => void,
  { env = {}, callers = 16, rotations = 0 }: AppenderOptions = {},
): Promise<Line[]> {
  const run = `"${process.execPath}" --conditions=agentkeys-source "${appender}" "${folder}" ${callers} ${rotations}`;
  const child = spawn("bash", ["-c", `${prefix} exec ${run}`], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    // A line cut off by the end of the process is none.
    if (!line.endsWith("}")) return;
    lines.push(JSON.parse(line) as Line);
    seen(lines, () => child.kill("SIGKILL"));
  });
  await Promise.all([once(child, "exit"), once(reader, "close")]);
  return lines;
}

/** True where a disk with faults can be put under a process: on Linux with a C compiler. */
export const hasFaultyDisk: boolean = process.platform === "linux" && hasCompiler();

/** Compiles the disk with faults into a folder; answers the environment that puts it under the log of another folder. */
export function makeFaultyDisk(into: string, folder: string): Readonly<Record<string, string>> {
  const source = fileURLToPath(new URL("./faults/storage.c", import.meta.url));
  const library = `${into}/storage.so`;
  const flags = ["-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl", "-lpthread"];
  execFileSync("cc", flags, { stdio: "pipe" });
  return { LD_PRELOAD: library, FAULT_FOLDER: folder };
}

function hasCompiler(): boolean {
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
