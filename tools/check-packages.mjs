// Looks at each package as npm would deliver it: publint reads the manifest, attw resolves its types like a consumer.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runQuietly } from "./checks.mjs";
import { packAll } from "./pack.mjs";

const folder = await mkdtemp(join(tmpdir(), "agentkeys-packed-"));
try {
  for (const { name, tarball } of await packAll(folder)) {
    for (const command of [
      ["pnpm", "exec", "publint", "run", tarball, "--strict"],
      ["pnpm", "exec", "attw", tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"],
    ]) {
      const { code, output } = await runQuietly(command);
      if (code === 0) continue;
      console.error(`${name}: ${command[2]} is not content\n${output}`);
      process.exitCode = 1;
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
