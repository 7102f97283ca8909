// One preparation at a time: two that install into one tree at once would trip over each other.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock file without a process number in it was left by a run cut off as it made it, if it is this old. */
const NEWBORN_MS = 5000;

/** No preparation takes longer: its process number belongs to another program by now. */
const LONGEST_MS = 30 * 60_000;

/**
 * Runs `work` while holding the lock file `path`; waits for another holder that still lives.
 *
 * @template Result
 * @param {string} path
 * @param {(line: string) => void} say told once when there is a wait
 * @param {() => Result | Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withLock(path, say, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!take(path)) {
    if (isAbandoned(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say("another run is preparing this tree; waiting for it");
    told = true;
    await sleep(200);
  }
  const release = () => {
    rmSync(path, { force: true });
  };
  // Also on `process.exit`; after a kill the next run sees that the holder is gone.
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function isAbandoned(path) {
  try {
    const holder = Number(readFileSync(path, "utf8"));
    const age = Date.now() - statSync(path).mtimeMs;
    if (holder === 0 || age > LONGEST_MS) return age > NEWBORN_MS;
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/** The system's name for what went wrong: `ENOENT`, `EEXIST`, … */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
