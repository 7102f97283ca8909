// `npm start`, `npm test`, `npm run check|build|bench` on a machine that has nothing but Node 20 and npm:
// brings the tool chain, installs what the lockfile says, builds if the command needs it, then runs the command.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";
import { bringToolchain, cleanEnvironment } from "./toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What each command runs once everything is in place. `test` and `check` build by themselves, as one of their checks. */
const COMMANDS = {
  start: { build: true, script: "tools/main-job.mjs" },
  bench: { build: true, script: "tools/bench.mjs" },
  build: { build: true },
  test: { build: false, script: "tools/run-tests.mjs" },
  check: { build: false, script: "tools/run-checks.mjs" },
};

const [name = "", ...rest] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  console.error(`agentkeys: unknown command "${name}"; one of ${Object.keys(COMMANDS).join(", ")}`);
  process.exit(64);
}

const say = (line) => console.log(`agentkeys: ${line}`);

try {
  const tooling = join(root, ".tooling");
  const environment = await withLock(join(tooling, "lock"), say, () => {
    const bin = bringToolchain(tooling, say);
    const prepared = {
      ...cleanEnvironment(process.env),
      PATH: [bin, process.env["PATH"]].join(delimiter),
      TURBO_TELEMETRY_DISABLED: "1",
      TURBO_NO_UPDATE_NOTIFIER: "1",
      DO_NOT_TRACK: "1",
    };
    step("installing packages", ["pnpm", "install", "--frozen-lockfile"], prepared);
    if (command.build) {
      step("building", [join(root, "node_modules/.bin/turbo"), "run", "build", "--output-logs=errors-only"], prepared);
    }
    return prepared;
  });
  if (command.script !== undefined) process.exitCode = await run(command.script, rest, environment);
} catch (error) {
  console.error(`agentkeys: ${error instanceof Error ? error.message : String(error)}`);
  // The last line of a test run always counts, also when it could not begin.
  if (name === "test" || name === "check") console.log("0 passed, 1 failed");
  process.exitCode = 1;
}

/** Runs one step quietly: a line before, and all that it said if it fails. */
function step(title, [program, ...args], env) {
  const started = Date.now();
  say(title);
  const done = spawnSync(program, args, {
    cwd: root,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 256 * 1024 * 1024,
  });
  if (done.status !== 0) {
    throw new Error(`${title} failed\n${done.error?.message ?? ""}${done.stdout ?? ""}${done.stderr ?? ""}`);
  }
  const seconds = (Date.now() - started) / 1000;
  if (seconds >= 2) say(`${title}: done in ${seconds.toFixed(1)} s`);
}

/** Runs the command itself with the terminal as it is, hands signals on, and answers with its exit code. */
async function run(script, args, env) {
  if (!existsSync(join(root, script))) throw new Error(`${script} is not in this tree`);
  const child = spawn("node", [join(root, script), ...args], { cwd: root, env, stdio: "inherit" });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    // At a terminal Ctrl-C reaches the whole group by itself: handed on as well, it would arrive twice.
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
