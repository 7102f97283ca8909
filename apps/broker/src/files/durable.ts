import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Puts text under a name, mode 0600: after a crash there is the old file or the new one, whole. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await place(path, text, rename);
}

/** The same under a name that is free, mode 0600: after a crash there is the whole file or none. Throws EEXIST where it is taken. */
export async function createFile(path: string, text: string): Promise<void> {
  await place(path, text, link);
}

async function place(path: string, text: string, put: typeof rename): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await put(draft, path);
    await syncFolder(dirname(path));
  } finally {
    await rm(draft, { force: true });
  }
}

/** Makes what stands in a file survive a crash. */
export async function syncFile(path: string): Promise<void> {
  await sync(path, "r+");
}

/** Makes the names in a folder survive a crash. */
export async function syncFolder(path: string): Promise<void> {
  await sync(path, "r");
}

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The text of a file, or undefined when there is none. */
export async function readFileIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (fault) {
    if (isMissing(fault)) return undefined;
    throw fault;
  }
}

/** True for the error of a file that is not there. */
export function isMissing(fault: unknown): boolean {
  return (fault as NodeJS.ErrnoException).code === "ENOENT";
}
