import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BrokerConfig } from "../boot/read-config.ts";
import type { Finding } from "./finding.ts";

const lowSpace = 1024 ** 3;
const noSpace = 100 * 1024 ** 2;
/** A clock this far behind what was written is not a matter of rounding, in milliseconds. */
const longestStep = 60_000;

/** Folders, key files, space and the clock, as the disk shows them. */
export function checkDisk(config: BrokerConfig, now: number): readonly Finding[] {
  const { dataDirectory, highWaterDirectory } = config;
  return [
    checkFolder("data_dir", dataDirectory),
    ...checkKeys(dataDirectory),
    checkSpace("data_dir", dataDirectory),
    checkFolder("high_water_dir", highWaterDirectory),
    checkApart(config),
    checkSpace("high_water_dir", highWaterDirectory),
    checkClock(config, now),
  ];
}

function checkFolder(check: string, path: string): Finding {
  if (!existsSync(path)) return { check, status: "ok", found: `${path} is made at the first start` };
  const stats = statSync(path);
  if (!stats.isDirectory())
    return { check, status: "fail", found: `${path} is no folder`, next: `move it away, or set broker.${check}` };
  if ((stats.mode & 0o077) !== 0)
    return { check, status: "fail", found: `${path} is open to others`, next: `chmod 700 ${path}` };
  if (stats.uid !== (process.getuid?.() ?? stats.uid))
    return { check, status: "warn", found: `${path} is another user's`, next: "ask as the user the broker runs as" };
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return { check, status: "ok", found: path };
  } catch {
    return { check, status: "fail", found: `${path} cannot be written`, next: "give it to the broker's user" };
  }
}

function checkKeys(dataDirectory: string): readonly Finding[] {
  const folder = join(dataDirectory, "keys");
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".pem"));
  } catch {
    return existsSync(folder)
      ? [
          {
            check: "keys",
            status: "fail",
            found: `${folder} cannot be read`,
            next: "ask as the user the broker runs as",
          },
        ]
      : [];
  }
  const owner = statSync(dataDirectory).uid;
  return names.toSorted().map((name): Finding => {
    const path = join(folder, name);
    const check = `key ${name.slice(0, -".pem".length)}`;
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined)
      return {
        check,
        status: "fail",
        found: `${path} leads nowhere`,
        next: "put the key there, or take the link away",
      };
    const { mode, uid } = stats;
    if ((mode & 0o077) !== 0)
      return { check, status: "fail", found: `${path} is open to others`, next: `chmod 600 ${path}` };
    if (uid !== owner)
      return { check, status: "fail", found: `${path} is not of data_dir's owner`, next: `chown ${owner} ${path}` };
    return { check, status: "ok", found: path };
  });
}

function checkSpace(name: string, path: string): Finding {
  const check = `space for ${name}`;
  const free = freeSpace(path);
  const found = `${Math.floor(free / 1024 ** 2)} MiB free`;
  if (free >= lowSpace) return { check, status: "ok", found };
  const next = "a full disk stops the log, and with it every credential: make room";
  return { check, status: free < noSpace ? "fail" : "warn", found, next };
}

function checkApart({ dataDirectory, highWaterDirectory }: BrokerConfig): Finding {
  const isApart = statSync(nearest(dataDirectory)).dev !== statSync(nearest(highWaterDirectory)).dev;
  return isApart
    ? { check: "high_water_dir apart", status: "ok", found: "another file system than data_dir" }
    : {
        check: "high_water_dir apart",
        status: "warn",
        found: "the same file system as data_dir",
        next: "put it on another disk where you can: what restores the one must not restore the other",
      };
}

/** The high-water file is written within a second of each record, so that its time is the newest record's. */
function checkClock({ dataDirectory, highWaterDirectory }: BrokerConfig, now: number): Finding {
  const check = "clock";
  const written = [join(highWaterDirectory, "high-water"), join(dataDirectory, "broker.db")]
    .filter((path) => existsSync(path))
    .map((path) => statSync(path).mtimeMs);
  const behind = Math.max(...written) - now;
  if (behind <= longestStep) return { check, status: "ok", found: new Date(now).toISOString() };
  return {
    check,
    status: "fail",
    found: `it says ${new Date(now).toISOString()}, ${Math.ceil(behind / 1000)} s before what the broker has written`,
    next: "set the clock (timedatectl): times in tokens and records would be wrong",
  };
}

/** Bytes that the user may still write where the path is, or will be. */
function freeSpace(path: string): number {
  const { bavail, bsize } = statfsSync(nearest(path));
  return bavail * bsize;
}

/** The path, or the closest folder above it that is there. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}
