import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFile, replaceFile } from "../../src/files/durable.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-"));
  path = join(folder, "file");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What stands under the name, what else is in the folder, and for whom. */
const found = (): unknown => ({
  text: readFileSync(path, "utf8"),
  files: readdirSync(folder),
  mode: (statSync(path).mode & 0o777).toString(8),
});
const alone = (text: string): unknown => ({ text, files: ["file"], mode: "600" });

test("a file is made under a free name, and what is there stays", async () => {
  await createFile(path, "first");
  expect(found()).toEqual(alone("first"));
  await expect(createFile(path, "second")).rejects.toMatchObject({ code: "EEXIST" });
  expect(found()).toEqual(alone("first"));
});

test("a file is replaced, also one that others could read", async () => {
  writeFileSync(path, "old", { mode: 0o644 });
  await replaceFile(path, "new");
  expect(found()).toEqual(alone("new"));
});

test("where nothing can be written nothing is left", async () => {
  for (const write of [createFile, replaceFile])
    await expect(write(join(folder, "none/file"), "text")).rejects.toMatchObject({ code: "ENOENT" });
  expect(readdirSync(folder)).toEqual([]);
});
