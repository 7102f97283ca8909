import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readPrivate, writePrivate } from "../src/private-file.ts";
import { makeFolder, type Folder } from "./run-command.ts";

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(async () => folder.remove());

it("a file written by two at once is one of the two, whole, and nothing else stays", async () => {
  const path = join(folder.path, "profile");
  const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
  await Promise.all(texts.map(async (text) => writePrivate(path, text)));
  expect(texts).toContain(await readPrivate(path));
  expect(readdirSync(folder.path)).toEqual(["profile"]);
});

it("a link is replaced, and the file behind it left alone", async () => {
  const [path, other] = [join(folder.path, "profile"), await folder.write("other", "theirs", 0o644)];
  await symlink(other, path);
  await writePrivate(path, "mine");
  expect(readFileSync(other, "utf8")).toBe("theirs");
  expect([lstatSync(path).isFile(), lstatSync(path).mode & 0o777]).toEqual([true, 0o600]);
});

it("a folder is not written over, and nothing else stays", async () => {
  await expect(writePrivate(folder.path, "mine")).rejects.toMatchObject({ code: "ERR_CONFIG_KEY_FILE" });
  expect(readdirSync(folder.path)).toEqual([]);
});
