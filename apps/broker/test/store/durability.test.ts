import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";

const program = fileURLToPath(new URL("./fixtures/endless-writer.ts", import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "durability-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the writer, kills it with SIGKILL after `count` acknowledged writes, and answers all that were acknowledged. */
async function writeUntilKilled(file: string, round: number, count: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, ["--conditions=agentkeys-source", program, file, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (text.split("\n").length > count) child.kill("SIGKILL");
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
  // What stands after the last line end was cut off by the kill.
  return text.split("\n").slice(0, -1);
}

test("every acknowledged write outlives kill -9, in the middle of a commit or not", async () => {
  const file = join(folder, "broker.db");
  const acknowledged: string[] = [];
  for (let round = 0; round < 8; round++) {
    acknowledged.push(...(await writeUntilKilled(file, round, 1 + Math.floor(Math.random() * 1500))));
    const client = new Database(file);
    const kept = new Set(client.prepare("SELECT id FROM entries").pluck().all());
    expect(acknowledged.filter((id) => !kept.has(id))).toStrictEqual([]);
    expect(client.pragma("integrity_check", { simple: true })).toBe("ok");
    client.close();
  }
  expect(acknowledged.length).toBeGreaterThan(10);
});
