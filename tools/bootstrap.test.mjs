import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root } from "./checks.mjs";
import { withLock } from "./lock.mjs";
import { cleanEnvironment, isOlder } from "./toolchain.mjs";

/** @type {string} */
let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentkeys-bootstrap-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("the tool chain", () => {
  it.each([
    ["20.20.2", true],
    ["22.11.9", true],
    ["22.12.0", false],
    ["22.12.1", false],
    ["24.0.0", false],
    ["100.1.0", false],
  ])("Node %s is older than 22.12.0: %s", (version, older) => {
    expect(isOlder(version, "22.12.0")).toBe(older);
  });

  it("is started without what npm tells its scripts about themselves", () => {
    const given = { PATH: "/bin", npm_lifecycle_event: "test", npm_package_name: "x", npm_config_registry: "kept" };
    expect(cleanEnvironment(given)).toEqual({ PATH: "/bin", npm_config_registry: "kept" });
  });

  it("is not brought for a command nobody knows", () => {
    const ended = spawnSync(process.execPath, [join(root, "tools/bootstrap.mjs"), "frobnicate"], { encoding: "utf8" });
    expect(ended).toMatchObject({ status: 64, stdout: "", stderr: expect.stringContaining("frobnicate") });
  });
});

describe("the lock of a preparation", () => {
  const said = /** @type {string[]} */ ([]);
  const hold = (/** @type {() => unknown} */ work) => withLock(join(folder, "lock"), (line) => said.push(line), work);

  it("lets one work after the other, and is gone afterwards", async () => {
    const order = /** @type {string[]} */ ([]);
    const work = (/** @type {string} */ name) => async () => {
      order.push(`${name} begins`);
      await nextTurn();
      order.push(`${name} ends`);
    };
    await Promise.all([hold(work("first")), hold(work("second"))]);
    expect(order).toEqual(["first begins", "first ends", "second begins", "second ends"]);
    expect(said).toEqual(["another run is preparing this tree; waiting for it"]);
    expect(existsSync(join(folder, "lock"))).toBe(false);
  });

  it("is given back when the work fails", async () => {
    await expect(hold(() => Promise.reject(new Error("no disk")))).rejects.toThrow("no disk");
    expect(existsSync(join(folder, "lock"))).toBe(false);
  });

  it("is taken over from a run that is gone, and from one as old as no run gets", async () => {
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    writeFileSync(join(folder, "lock"), String(gone));
    expect(await hold(() => readFileSync(join(folder, "lock"), "utf8"))).toBe(String(process.pid));

    writeFileSync(join(folder, "lock"), String(process.ppid));
    const anHourAgo = Date.now() / 1000 - 3600;
    utimesSync(join(folder, "lock"), anHourAgo, anHourAgo);
    expect(await hold(() => readFileSync(join(folder, "lock"), "utf8"))).toBe(String(process.pid));
  });
});
