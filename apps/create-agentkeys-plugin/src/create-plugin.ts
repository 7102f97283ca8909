import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Kind } from "./naming.ts";

/** What to make, and where. The names are sound ({@link findNameFault}). */
export interface NewPlugin {
  readonly kind: Kind;
  readonly name: string;
  /** `@acme`, or empty text for none. */
  readonly scope: string;
  /** A folder that is not there yet. */
  readonly folder: string;
}

const ignored = ["node_modules/", "dist/", ".vitest/", "*.tgz", ""].join("\n");

/**
 * Copies the template of a kind into a new folder and gives it its names: in a template, `@acme` stands for the scope and `template`
 * for the name. Throws the system's error, such as EEXIST, and leaves nothing behind, when the folder is there or cannot be written.
 *
 * @example
 * createPlugin({ kind: "auth", name: "badge", scope: "@acme", folder: "agentkeys-auth-badge" }, templates);
 */
export function createPlugin({ kind, name, scope, folder }: NewPlugin, templates: string): void {
  // Fails where anything is there by that name: nothing is ever overwritten.
  mkdirSync(folder);
  try {
    cpSync(join(templates, `plugin-${kind}`), folder, { recursive: true });
    // So called in our own package, where a second package.json would count for tools that look for one.
    const manifest = join(folder, "_package.json");
    if (existsSync(manifest)) renameSync(manifest, join(folder, "package.json"));
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      writeFileSync(file, rename(readFileSync(file, "utf8"), scope, name));
    }
    // npm leaves a file of this name out of every package, so that a template cannot hold it.
    writeFileSync(join(folder, ".gitignore"), ignored);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** In one pass, so that a name given is never taken for a word to be replaced. */
function rename(text: string, scope: string, name: string): string {
  return text.replaceAll(/@acme\/|\btemplate\b/gu, (word) => {
    if (word === "template") return name;
    return scope === "" ? "" : `${scope}/`;
  });
}
