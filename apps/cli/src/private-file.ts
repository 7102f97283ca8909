import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentKeysError } from "@agentkeys/core";

/**
 * Writes a file only its owner reads, whole or not at all; it survives a crash once this resolves. Folders are made, 0700. Throws
 * ERR_CONFIG_KEY_FILE where something else than a file stands there: it would be replaced.
 */
export async function writePrivate(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await assertReplaceable(path);
  // Not by the process's id: after a crash in a container the next process has the same one, and two writers may be of one process.
  const part = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(part, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The text of a private file, or undefined where there is none. Refuses one that others may read (ERR_CONFIG_KEY_FILE). */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    await assertPrivate(path);
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A secret a person keeps in a file: its first line. Throws ERR_CONFIG_SECRET where it is missing, empty or open to others. */
export async function readSecretFile(path: string): Promise<string> {
  const text = await readPrivate(path).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AgentKeysError("ERR_CONFIG_SECRET", reason, { reference: path, reason }, { cause: error });
  });
  const [line = ""] = text?.split(/\r?\n/u) ?? [];
  if (line === "") {
    const reason = text === undefined ? "there is no such file" : "its first line is empty";
    throw new AgentKeysError("ERR_CONFIG_SECRET", `${path}: ${reason}`, { reference: path, reason });
  }
  return line;
}

/** A device or a pipe (`--out /dev/stdout`) would be gone afterwards, and for root the whole machine's. */
async function assertReplaceable(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined || found.isFile()) return;
  const reason = "it is not a file, and would be replaced by one";
  throw new AgentKeysError("ERR_CONFIG_KEY_FILE", `${path}: ${reason}`, { path, reason });
}

async function assertPrivate(path: string): Promise<void> {
  const { mode } = await stat(path);
  // Windows has no such bits and reports them open.
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    const reason = "others may read it; its mode must be 0600";
    throw new AgentKeysError("ERR_CONFIG_KEY_FILE", `${path}: ${reason}`, { path, reason });
  }
}

/** True for the error of a file that is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ENOENT";
}
