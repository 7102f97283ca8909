import { createPrivateKey, randomBytes, type KeyObject } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AgentKeysError } from "@agentkeys/core";

/** How a key of one file is made, and which keys may stand in it. */
export interface KeyForm {
  make(): Promise<KeyObject>;
  /** True for a private key of this form. */
  isOf(key: KeyObject): boolean;
}

/**
 * Opens a private key (PKCS#8 PEM, mode 0600). Makes it where there is no file; never touches one that is there. Throws
 * ERR_CONFIG_KEY_FILE when the file cannot be read, holds another kind of key, or group or others have any right to it.
 */
export async function openKeyFile(path: string, form: KeyForm): Promise<KeyObject> {
  const pem = (await readPrivateFile(path)) ?? (await makeKeyFile(path, form));
  const key = parseKey(path, pem);
  if (!form.isOf(key)) throw refuse(path, "it holds a key of another kind");
  return key;
}

/** The text of a private file, or undefined when there is none. */
async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw refuse(path, "it cannot be opened", cause);
  }
  try {
    // Asked of the open file, not of its path: what was checked is what is read.
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) throw refuse(path, `its mode is ${(mode & 0o777).toString(8)}, others can use it`);
    return await file.readFile("utf8");
  } catch (cause) {
    throw cause instanceof AgentKeysError ? cause : refuse(path, "it cannot be read", cause);
  } finally {
    await file.close();
  }
}

/** Makes a key and its file: after a crash there is the whole file or none. */
async function makeKeyFile(path: string, form: KeyForm): Promise<string> {
  const pem = (await form.make()).export({ type: "pkcs8", format: "pem" }).toString();
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
  try {
    await writeDurably(draft, pem);
    await rename(draft, path);
    await syncFolder(dirname(path));
    return pem;
  } catch (cause) {
    await rm(draft, { force: true });
    throw refuse(path, "it cannot be made", cause);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name of a file survive a crash. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: "pem" });
  } catch (cause) {
    throw refuse(path, "it holds no private key in PEM", cause);
  }
}

function refuse(path: string, reason: string, cause?: unknown): AgentKeysError {
  return new AgentKeysError("ERR_CONFIG_KEY_FILE", `${path}: ${reason}`, { path, reason }, { cause });
}
