// Programs that a test starts and ends, and what they say.
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

/** What a program says first; rejects with what it said instead if it ends before. */
export async function firstLine(
  /** @type {import("node:child_process").ChildProcessByStdio<null, any, any>} */ program,
) {
  const complaint = text(program.stderr);
  const [line] = await Promise.race([
    once(createInterface({ input: program.stdout }), "line"),
    once(program, "exit").then(async ([code]) => Promise.reject(new Error(`ended with ${code}: ${await complaint}`))),
  ]);
  return String(line);
}

/** Ends a program that may have ended by itself. */
export async function stop(/** @type {import("node:child_process").ChildProcess} */ program) {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = once(program, "exit");
  program.kill();
  await ended;
}

/** @returns {Promise<any>} */
export async function fetchJson(/** @type {string} */ url) {
  return (await fetch(url)).json();
}

/** A port that nothing listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}
