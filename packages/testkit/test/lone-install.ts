import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A package as it stands in an install of its own, with core and the libraries that a test puts there. */
export interface LoneInstall {
  /** Puts a library there. */
  install(library: string): Promise<void>;
  /** What a program beside the package's `src` prints as JSON, in a process of its own. */
  print(program: string): Promise<unknown>;
  remove(): Promise<void>;
}

/** Installs the package of a folder alone. */
export async function installAlone(from: string, ...libraries: readonly string[]): Promise<LoneInstall> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "agentkeys-alone-")));
  const link = async (library: string): Promise<void> =>
    symlink(join(from, "node_modules", library), join(folder, "node_modules", library));
  await mkdir(join(folder, "node_modules/@agentkeys"), { recursive: true });
  await cp(join(from, "src"), join(folder, "src"), { recursive: true });
  await cp(join(from, "package.json"), join(folder, "package.json"));
  for (const library of ["@agentkeys/core", ...libraries]) await link(library);
  return {
    install: link,
    async print(program) {
      const flags = ["--conditions=agentkeys-source", "--no-warnings", "--input-type=module", "--eval", program];
      const { stdout } = await run(process.execPath, flags, { cwd: folder });
      return JSON.parse(stdout);
    },
    remove: async () => rm(folder, { recursive: true }),
  };
}
