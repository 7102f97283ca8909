import { spawn, spawnSync } from "node:child_process";
import { watch, type Running } from "./run-command.ts";

/** util-linux's `script` gives a process a terminal. Other systems' program of that name takes other options. */
export const lackingScript =
  process.platform === "linux" && spawnSync("script", ["--version"]).status === 0
    ? undefined
    : "the `script` of util-linux";

/** Starts a command at a terminal of its own. */
export function startAtTerminal(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  // In place of the shell, which would take the terminal's signals too, and some shells end by them.
  return watch(
    spawn("script", ["--quiet", "--return", "--echo", "always", "--command", `exec ${quoted}`, "/dev/null"], {
      env: { ...process.env, ...environment },
    }),
  );
}
