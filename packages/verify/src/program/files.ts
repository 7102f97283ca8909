import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** The text of a file, or of standard input for `-`. Throws an Error for what cannot be read or is not UTF-8. */
export function readText(path: string): string {
  const text = decodeUtf8(readBytes(path));
  if (text === undefined) throw new Error(`${path} is not UTF-8`);
  return text;
}

/** The bytes of a file, or of standard input for `-`. */
export function readBytes(path: string): Uint8Array {
  return readFileSync(path === "-" ? 0 : path);
}

/** The text of UTF-8 bytes, undefined of others. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Writes a file so that it is the old one or the new one, never half of it. */
export function replaceFile(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  writeFileSync(unfinished, text, { flush: true });
  renameSync(unfinished, path);
}

/** Writes a file that is not there yet; a file of the same text may be. */
export function writeOnce(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere || decodeUtf8(readFileSync(path)) !== text) throw error;
  }
}
