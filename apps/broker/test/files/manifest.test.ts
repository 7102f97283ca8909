import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readManifest, writeManifest } from "../../src/files/manifest.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "manifest-"));
  mkdirSync(join(folder, "below"));
  writeFileSync(join(folder, "one"), "1");
  writeFileSync(join(folder, "below/two"), "22");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const facts = { created_at: "2026-11-24T12:00:00.000Z", head: { origin: "o", size: 1, root: "r", note: "n" } };
const manifest = () => join(folder, "manifest.json");

test("a manifest names every file, and is read back while each is as it was", async () => {
  const written = await writeManifest(folder, facts);
  expect(written.files.map(({ path, size }) => [path, size])).toEqual([
    ["below/two", 2],
    ["one", 1],
  ]);
  expect(await readManifest(folder)).toEqual(written);
});

test.each([
  ["is longer", () => appendFileSync(join(folder, "one"), "1")],
  ["has another byte", () => writeFileSync(join(folder, "below/two"), "23")],
  ["is gone", () => rmSync(join(folder, "one"))],
])("it is refused when a file %s", async (_, change) => {
  await writeManifest(folder, facts);
  change();
  await expect(readManifest(folder)).rejects.toMatchObject({ code: "ERR_CONFIG_FILE" });
});

test.each(["../one", "/etc/passwd", "./one", "below/../one", "below//two", "..", ""])(
  "a path that is not the one spelling of a place below the folder is refused: %j",
  async (path) => {
    await writeManifest(folder, facts);
    const text = readFileSync(manifest(), "utf8");
    writeFileSync(manifest(), text.replace('"one"', JSON.stringify(path)));
    await expect(readManifest(folder)).rejects.toMatchObject({ message: expect.stringContaining("no manifest") });
  },
);

test("whatever stands in the file, it is a manifest or refused with ERR_CONFIG_FILE", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      writeFileSync(manifest(), text);
      await expect(readManifest(folder)).rejects.toMatchObject({ code: "ERR_CONFIG_FILE" });
    }),
    { numRuns: 200 },
  );
});
