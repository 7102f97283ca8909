// A page for people as a program: its blocks, run as they stand there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../checks.mjs";

/**
 * The fenced blocks of a language under a `##` heading.
 *
 * @param {string} page
 * @param {string} heading
 * @param {string} language as it stands behind the fence
 */
export function blocksOf(page, heading, language) {
  const text = readFileSync(join(root, page), "utf8");
  const [section = ""] = text.split(/^## /mu).filter((one) => one.startsWith(`${heading}\n`));
  return [...section.matchAll(/^```(.*)\n([\s\S]*?)^```$/gmu)]
    .filter(([, info]) => info === language)
    .map(([, , block = ""]) => block);
}

/**
 * Runs a block in a shell where the last one ended; answers what it printed.
 *
 * @param {import("./installation.mjs").Installation} place its folder follows the block's `cd`
 * @param {string} block
 */
export async function runBlock(place, block) {
  const printed = await place.run("sh", "-e", "-c", `exec 2>&1\n${block}\necho\npwd`);
  const lines = printed.trimEnd().split("\n");
  place.folder = lines.pop() ?? place.folder;
  return lines.join("\n");
}
