import { readFileSync } from "node:fs";
import { join } from "node:path";
import { removals } from "./removals.mjs";

const root = join(import.meta.dirname, "../..");

/**
 * Takes one protection out of the sources that tests import, by name; nothing on the disk changes. Throws for an edit that does not
 * fit its file.
 *
 * @param {string} name
 * @returns {{ name: string, enforce: "pre", transform(code: string, id: string): { code: string, map: null } | undefined }}
 */
export function removeProtection(name) {
  const removal = removals.find((one) => one.name === name);
  if (removal === undefined) throw new Error(`there is no removal called ${JSON.stringify(name)}`);
  const file = join(root, removal.file);
  assertFits(removal);
  return {
    name: "remove-protection",
    enforce: "pre",
    transform: (code, id) =>
      id.split("?")[0] === file ? { code: code.replace(removal.find, () => removal.replace), map: null } : undefined,
  };
}

/** @param {import("./removals.mjs").Removal} removal */
export function assertFits({ name, file, find }) {
  const places = readFileSync(join(root, file), "utf8").split(find).length - 1;
  if (places !== 1) throw new Error(`${name}: its edit stands ${places} times in ${file}, not once`);
}
