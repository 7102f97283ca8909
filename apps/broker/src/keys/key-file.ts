import { createPrivateKey, type KeyObject } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { AgentKeysError } from "@agentkeys/core";
import { createFile, isMissing } from "../files/durable.ts";

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
    if (isMissing(cause)) return undefined;
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

/** Makes a key and its file: after a crash there is the whole file or none. The key of whoever was faster is the one of both. */
async function makeKeyFile(path: string, form: KeyForm): Promise<string> {
  const pem = (await form.make()).export({ type: "pkcs8", format: "pem" }).toString();
  try {
    await createFile(path, pem);
    return pem;
  } catch (cause) {
    const theirs = (cause as NodeJS.ErrnoException).code === "EEXIST" ? await readPrivateFile(path) : undefined;
    if (theirs === undefined) throw refuse(path, "it cannot be made", cause);
    return theirs;
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
