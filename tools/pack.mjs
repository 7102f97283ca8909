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
 * Packs every package of the workspace that is not private.
 *
 * @param {string} folder where the tarballs go
 * @returns {Promise<Packed[]>}
 */
export async function packAll(folder) {
  const packed = [];
  for (const group of ["packages", "apps"]) {
    for (const entry of await readdir(join(root, group))) {
      const dir = join(group, entry);
      const manifest = await readFile(join(root, dir, "package.json"), "utf8").then(JSON.parse, () => undefined);
      if (manifest === undefined || manifest.private === true) continue;
      const { code, output } = await runQuietly(["pnpm", "-C", dir, "pack", "--json", "--pack-destination", folder]);
      if (code !== 0) throw new Error(`pnpm pack failed in ${dir}\n${output}`);
      packed.push({ name: manifest.name, tarball: JSON.parse(output).filename });
    }
  }
  return packed;
}
