// Packages of others, in test/third-party: copied away from the repository, then built and tested as their authors would.
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "../checks.mjs";
import { Installation } from "./installation.mjs";

/** What an author installs besides the contracts and the kit: from the registry. */
const TOOLS = ["typescript", "vitest", "@types/node"];

/**
 * @param {string} name a folder of test/third-party
 * @param {readonly string[]} tarballs core, log and testkit as they are published
 */
export async function checkOut(name, tarballs) {
  const author = await Installation.make();
  await cp(join(root, "test/third-party", name), author.folder, { recursive: true });
  const { catalog } = parse(await readFile(join(root, "pnpm-workspace.yaml"), "utf8"));
  const tools = TOOLS.map((tool) => `${tool}@${catalog[tool]}`);
  await author.install([...tarballs, ...tools], "--no-save");
  return author;
}

/** Packs what the author would publish; answers the tarball. */
export async function packPackage(author) {
  const [packed] = JSON.parse(await author.run("npm", "pack", "--json"));
  return join(author.folder, packed.filename);
}
