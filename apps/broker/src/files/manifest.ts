import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { AgentKeysError } from "@agentkeys/core";
import { parseJson } from "../json/parse-json.ts";
import { readFileIfThere, replaceFile, syncFile, syncFolder } from "./durable.ts";

/** A path below a folder, in one spelling: neither absolute nor out of it. */
const path = v.pipe(
  v.string(),
  v.check(
    (text) => text !== "" && posix.normalize(text) === text && !text.startsWith("/") && !/^\.\.(\/|$)/u.test(text),
  ),
);
const schema = v.strictObject({
  version: v.literal(1),
  created_at: v.pipe(v.string(), v.isoTimestamp()),
  head: v.strictObject({ origin: v.string(), size: v.number(), root: v.string(), note: v.string() }),
  files: v.array(
    v.strictObject({
      path,
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u)),
    }),
  ),
});

/** What a backup consists of. It is written last: a folder without one is no whole backup. */
export type Manifest = v.InferOutput<typeof schema>;

const name = "manifest.json";

/** Writes the manifest of every file in a folder, durably with them. */
export async function writeManifest(
  directory: string,
  facts: Pick<Manifest, "created_at" | "head">,
): Promise<Manifest> {
  const files = [];
  for (const one of await filesIn(directory, "")) {
    await syncFile(join(directory, one));
    files.push({ path: one, ...(await measure(join(directory, one))) });
  }
  for (const folder of new Set(files.map((one) => posix.dirname(one.path)))) await syncFolder(join(directory, folder));
  const manifest = { version: 1 as const, ...facts, files };
  await replaceFile(join(directory, name), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** The manifest of a backup, with every file it names looked at. Throws ERR_CONFIG_FILE for one that is not whole. */
export async function readManifest(directory: string): Promise<Manifest> {
  const file = join(directory, name);
  const refuse = (reason: string, cause?: unknown): AgentKeysError =>
    new AgentKeysError("ERR_CONFIG_FILE", `${file}: ${reason}`, { path: file, reason }, { cause });
  const text = await readFileIfThere(file).catch((cause: unknown) => {
    throw refuse("it cannot be read", cause);
  });
  if (text === undefined) throw refuse("it is not there, so this is no whole backup");
  const parsed = v.safeParse(schema, tryParse(text));
  if (!parsed.success) throw refuse("it is no manifest of a backup");
  for (const one of parsed.output.files) {
    const found = await measure(join(directory, one.path)).catch(() => undefined);
    if (found === undefined) throw refuse(`${one.path} is missing`);
    if (found.size !== one.size || found.sha256 !== one.sha256) throw refuse(`${one.path} was changed`);
  }
  return parsed.output;
}

/** Every regular file below a folder, with slashes; what a link leads to is none. */
async function filesIn(directory: string, below: string): Promise<string[]> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const at = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) return filesIn(directory, at);
      return entry.isFile() && at !== name ? [at] : [];
    }),
  );
  return found.flat().toSorted();
}

async function measure(file: string): Promise<{ size: number; sha256: string }> {
  const digest = createHash("sha256");
  await pipeline(createReadStream(file), digest);
  return { size: (await stat(file)).size, sha256: digest.digest("hex") };
}

function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
