import { spawn } from "node:child_process";
import { pathOf } from "./support.ts";

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs agentkeys-verify as its own process, from its source. */
export async function run(args: readonly string[], input = "", flags: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=agentkeys-source", ...flags, pathOf("../src/bin.ts"), ...args]);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  return { code, out, err };
}
