import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type * as files from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { HeadStore } from "../src/witness/head-store.ts";
import { makeKeyFile, readKeyFile } from "../src/witness/key-file.ts";
import { lockFolder } from "../src/witness/lock.ts";
import { LogList } from "../src/witness/log-list.ts";
import { Witness } from "../src/witness/witness.ts";
import { formatSubmission, growTo, makeFolder } from "./support.ts";

// The disk of these tests: how often it made something durable, whether it fails at that, and what others do meanwhile.
const disk = vi.hoisted(() => ({ syncs: 0, fails: false, beforeChange: undefined as (() => void) | undefined }));
vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<typeof files>();
  const fsyncSync: typeof files.fsyncSync = (descriptor) => {
    if (disk.fails) throw new Error("EIO: i/o error, fsync");
    disk.syncs++;
    original.fsyncSync(descriptor);
  };
  const renameSync: typeof files.renameSync = (from, to) => {
    disk.beforeChange?.();
    original.renameSync(from, to);
  };
  const rmSync: typeof files.rmSync = (path, options) => {
    disk.beforeChange?.();
    original.rmSync(path, options);
  };
  return { ...original, fsyncSync, renameSync, rmSync };
});

function temporary(): string {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  return path;
}

test("a head whose place in the folder is not known to be durable is not cosigned again before it is", async () => {
  const folder = temporary();
  const log = growTo(3);
  makeKeyFile(join(folder, "key"), "witness.example/w1");
  const key = readKeyFile(join(folder, "key"));
  const heads = await HeadStore.open(join(folder, "state"), key);
  const witness = new Witness(key, new LogList([log.vkey]), heads);
  disk.fails = true;
  const { note } = log.head();
  await expect(witness.addCheckpoint(formatSubmission(0, [], note))).rejects.toThrow("EIO");
  // It stands there now, but a crash of the machine may take it away.
  await expect(witness.addCheckpoint(formatSubmission(3, [], note))).rejects.toThrow("EIO");
  disk.fails = false;
  const before = disk.syncs;
  expect(await witness.addCheckpoint(formatSubmission(3, [], note))).toMatchObject({ status: 200 });
  expect(disk.syncs).toBe(before + 1);
  heads.close();
});

test("of all who start where one died, one gets the folder, however they fall between one another", () => {
  const folder = temporary();
  const started = vi.fn<() => boolean>(() => startAnother(folder));
  writeFileSync(join(folder, "lock"), `${spawnSync("true").pid}\n`);
  disk.beforeChange = started;
  const got = [attempt(() => lockFolder(folder))];
  disk.beforeChange = undefined;
  got.push(...started.mock.results.map(({ value }) => value === true));
  expect(got.length).toBeGreaterThan(1);
  expect(got.filter((isGot) => isGot)).toHaveLength(1);
});

function attempt(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** Starts a process that takes the folder and stays; waits, with all of this process, until it says whether it got it. */
function startAnother(folder: string): boolean {
  const told = join(folder, `told-${randomUUID()}`);
  const code = `
    import { writeFileSync } from "node:fs";
    import { lockFolder } from ${JSON.stringify(new URL("../src/witness/lock.ts", import.meta.url).href)};
    let word = "got";
    try { lockFolder(${JSON.stringify(folder)}); } catch { word = "refused"; }
    writeFileSync(${JSON.stringify(told)}, word);
    setTimeout(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ["--conditions=agentkeys-source", "--input-type=module", "--eval", code]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const until = Date.now() + 10_000;
  while (!existsSync(told) || readFileSync(told, "utf8") === "") {
    if (Date.now() > until) throw new Error("the other process said nothing");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  return readFileSync(told, "utf8") === "got";
}
