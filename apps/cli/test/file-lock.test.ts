import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type * as files from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { withFileLock } from "../src/file-lock.ts";
import { makeFolder, type Folder } from "./run-command.ts";

// The first removal of a lock takes as long as a test wants: a process may be stopped between any two calls.
let removal: Promise<unknown> | undefined;
vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof files>();
  const rm: typeof files.rm = async (path, options) => {
    const wait = removal;
    removal = undefined;
    await wait;
    return original.rm(path, options);
  };
  return { ...original, rm };
});

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(async () => folder.remove());

it("the lock of a process that died is taken over by one, though two saw at once that it died", async () => {
  const path = await folder.write("lock", String(spawnSync("true").pid));
  let holders = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++holders);
    await setTimeout(200);
    holders--;
  };
  removal = setTimeout(150);
  await Promise.all([withFileLock(path, work), withFileLock(path, work)]);
  expect(most).toBe(1);
  expect(readdirSync(folder.path)).toEqual([]);
});

it("who was taken for gone does not give back the lock of the next one", async () => {
  const path = join(folder.path, "lock");
  await withFileLock(path, async () => folder.write("lock", "1 another"));
  expect(readFileSync(path, "utf8")).toBe("1 another");
});
