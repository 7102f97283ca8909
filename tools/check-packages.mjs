// Looks at each package as npm would deliver it: publint reads the manifest, attw resolves its types like a consumer.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runQuietly, tool } from "./checks.mjs";
import { packAll } from "./pack.mjs";

const folder = await mkdtemp(join(tmpdir(), "agentkeys-packed-"));
try {
  for (const { name, tarball } of await packAll(folder)) {
    for (const command of [
      tool("publint", "run", tarball, "--strict"),
      tool("attw", tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"),
    ]) {
      const { code, output } = await runQuietly(command);
      if (code === 0) continue;
      console.error(`${name}: refused by ${basename(command[0] ?? "")}\n${output}`);
      process.exitCode = 1;
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
