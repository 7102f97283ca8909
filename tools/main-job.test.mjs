// The main job on the built programs of this workspace. tools/operator-smoke.test.mjs runs it on installed packages.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("main-job.mjs", import.meta.url));
/** Of the test alone, so that it can see what is left behind. */
let temporary = "";
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "agentkeys-main-job-test-"));
});
afterEach(async () => rm(temporary, { recursive: true }));

function hasAws() {
  return ["radosgw", "/usr/bin/aws"].every((name) => spawnSync(name, ["--version"]).error === undefined);
}

/** @param {readonly string[]} args */
function start(args) {
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said.text += text;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code, text: said.text }));
  return { child, said, ended };
}

describe("the main job", () => {
  it("goes from a witness and a broker to a witnessed credential, and leaves nothing behind", async () => {
    const { code, text } = await start(["--once"]).ended;
    expect(text).toMatch(
      /^1\. A witness[^]*^9\. The same receipt[^]*^ {5}WITNESSED\(1\)$[^]*^The main job is done, in/mu,
    );
    expect(code).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  }, 120_000);

  // Under CI the programs have to be there: tools/ci-packages.txt brings them.
  it.skipIf(process.env["CI"] !== "true" && !hasAws())(
    "gives stock AWS tools one prefix of a store, which refuses them another",
    async () => {
      const { code, text } = await start(["--once", "--with", "aws"]).ended;
      expect(text).toMatch(/ s3 ls s3:\/\/reports\/2026\/$[^]* a$[^]*\(403\)[^]*issued ok[^]*The main job is done/mu);
      expect(code).toBe(0);
      expect(await readdir(temporary)).toEqual([]);
    },
    180_000,
  );

  it("names the step that fails, keeps what was written, and ends with 1", async () => {
    const empty = await mkdtemp(join(temporary, "empty-"));
    const { code, text } = await start(["--once", "--bin-dir", empty]).ended;
    expect({ code, text }).toEqual({
      code: 1,
      text: expect.stringMatching(/^FAILED at step 1, "A witness.*":\n.*is not there/mu),
    });
    expect(text).toContain("What was written is in");
    expect(await readdir(temporary)).toHaveLength(2);
  });

  it("stops what it started when it is told to, in the middle too", async () => {
    const { child, said, ended } = start(["--once"]);
    child.stdout.on("data", () => {
      if (said.text.includes("4. A person")) child.kill("SIGINT");
    });
    const { code, text } = await ended;
    expect(code).toBe(130);
    expect(text).not.toContain("FAILED");
    expect(await readdir(temporary)).toEqual([]);
    const [, broker = ""] = /ready at (\S+)/u.exec(text) ?? [];
    await expect(fetch(`${broker}/healthz`)).rejects.toThrow("fetch failed");
  }, 60_000);
});
