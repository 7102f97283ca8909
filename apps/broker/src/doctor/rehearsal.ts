import { existsSync } from "node:fs";
import { constants, cp, lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join, normalize } from "node:path";
import type { Readiness } from "@agentkeys/core";
import { sectionOf } from "../boot/find-plugin.ts";
import type { LoadedPlugin } from "../boot/load-plugin.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import { rehearse, type Opened } from "../boot/rehearse.ts";
import type { PluginParts } from "../boot/compose.ts";
import type { LogFacade } from "../facade/log.ts";
import { readFileIfThere } from "../files/durable.ts";
import { createLogger } from "../ops/logger.ts";
import { assertNotRewound } from "../ops/rewind.ts";
import { freeSpace } from "./disk.ts";
import { reasonOf, type Finding } from "./finding.ts";
import { describeReadiness } from "./network.ts";

/**
 * Where no broker runs: opens each plug-in on a copy of data_dir, asks whether it is ready, and holds the log against the high-water
 * file and the anchors as a start does. The copy lies beside data_dir, so that keys stay on their file system, and goes at the end.
 */
export async function checkByRehearsal(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
): Promise<readonly Finding[]> {
  let folder: string | undefined;
  try {
    folder = await copyData(config.dataDirectory);
    const within = loaded.filter(({ selected }) => !namesOtherPlace(selected.settings));
    const apart = loaded.filter((one) => !within.includes(one)).map(({ selected }) => notTried(sectionOf(selected)));
    const found = await rehearse(config, within, folder, async (opened) => [
      ...(await Promise.all(opened.map((one) => askOpened(config, one)))),
      await checkHighWater(config, opened),
    ]);
    return [...found, ...apart];
  } catch (error) {
    return [
      {
        check: "plug-ins",
        status: "warn",
        found: `they were not tried: ${reasonOf(error)}`,
        next: "ask as the user the broker runs as, with room for a copy of data_dir beside it",
      },
    ];
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function copyData(dataDirectory: string): Promise<string> {
  if (!existsSync(dataDirectory)) return mkdtemp(join(tmpdir(), "agentkeys-doctor-"));
  const size = await sizeOf(dataDirectory);
  if (size * 2 > freeSpace(dataDirectory)) throw new Error(`no room for a copy of ${size} bytes`);
  const folder = await mkdtemp(`${dataDirectory}.doctor-`);
  try {
    await cp(dataDirectory, folder, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      filter: async (path) => isPlain(path),
    });
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Neither a socket nor a link to what lies elsewhere. */
async function isPlain(path: string): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isFile() || stats.isDirectory();
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(entries.map(async (entry) => (await lstat(join(folder, entry))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** True for settings with a path out of the plug-in's folder: on a copy it would open the real thing. */
function namesOtherPlace(settings: object): boolean {
  return Object.values(settings).some((value: unknown) => {
    if (typeof value === "string") return isAbsolute(value) || normalize(value).startsWith("..");
    return typeof value === "object" && value !== null && !isSecret(value) && namesOtherPlace(value);
  });
}

/** `{ file = "…" }` as a value is a secret's file, which is only read. */
function isSecret(value: object): boolean {
  const names = Object.keys(value);
  return names.length === 1 && names[0] === "file";
}

function notTried(check: string): Finding {
  const found = "it was not tried: its section names a place outside of data_dir";
  return { check, status: "warn", found, next: "start the broker and ask again" };
}

async function askOpened(config: BrokerConfig, one: Opened): Promise<Finding> {
  const { kind, name } = one.selected;
  const docs = `docs/operate/readiness.md#${kind}-${name}`;
  if ("fault" in one)
    return describeReadiness(config, { kind, name, docs, status: "unready", reason: reasonOf(one.fault) });
  const given = await readyOf(one.parts).catch((error: unknown): Readiness => ({
    status: "unready",
    reason: reasonOf(error),
  }));
  return describeReadiness(config, { kind, name, docs, ...given });
}

async function readyOf({ auth, wallet, log, anchors, issuers }: PluginParts): Promise<Readiness> {
  const [one] = [...auth.values(), ...issuers.values(), ...anchors, wallet, log].filter((part) => part !== undefined);
  if (one === undefined) throw new Error("it has no part in the broker");
  return one.ready("doctor");
}

/** As a start does, but that the file stays as it is. */
async function checkHighWater({ highWaterDirectory }: BrokerConfig, opened: readonly Opened[]): Promise<Finding> {
  const check = "high-water file";
  const parts = opened.flatMap((one) => ("parts" in one ? [one.parts] : []));
  const log = parts.map((one) => one.log).find((one): one is LogFacade => one !== undefined);
  if (log === undefined)
    return { check, status: "warn", found: "it was not held against the log", next: "see the log's line" };
  const path = join(highWaterDirectory, "high-water");
  const file = { path, read: () => readFileIfThere(path), write: async () => undefined };
  const logger = createLogger(() => undefined, Date.now, "error");
  try {
    await assertNotRewound({ log, anchors: parts.flatMap(({ anchors }) => anchors), file, logger });
    const { origin, size } = await log.head("doctor");
    return { check, status: "ok", found: `it agrees with the log ${origin} at ${size} records` };
  } catch (error) {
    return { check, status: "fail", found: reasonOf(error), next: "see docs/operate/backup-and-recovery.md" };
  }
}
