// Packs what would be published, exactly as it would be: `workspace:*` and `catalog:` become versions.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { root, runQuietly } from "./checks.mjs";

/**
 * @typedef {object} Packed
 * @property {string} name `@agentkeys/core`
 * @property {string} tarball
 */

/**
 * Packs packages of the workspace.
 *
 * @param {string} folder where the tarballs go
 * @param {readonly string[]} [wanted] names; without it, every package that is not private
 * @returns {Promise<Packed[]>}
 */
export async function packAll(folder, wanted) {
  const packed = [];
  for (const group of ["packages", "apps"]) {
    for (const entry of await readdir(join(root, group))) {
      const dir = join(group, entry);
      const manifest = await readFile(join(root, dir, "package.json"), "utf8").then(JSON.parse, () => undefined);
      if (manifest === undefined || manifest.private === true) continue;
      if (wanted !== undefined && !wanted.includes(manifest.name)) continue;
      const { code, output } = await runQuietly(["pnpm", "-C", dir, "pack", "--json", "--pack-destination", folder]);
      if (code !== 0) throw new Error(`pnpm pack failed in ${dir}\n${output}`);
      // Before it stands what a prepack script was called by.
      packed.push({ name: manifest.name, tarball: JSON.parse(output.slice(output.indexOf("{"))).filename });
    }
  }
  return packed;
}
