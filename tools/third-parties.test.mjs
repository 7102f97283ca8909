// What somebody has who writes a plug-in elsewhere: packed packages, npm, and docs/build/plugin.md, whose commands run as they stand.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSshKey } from "../templates/plugin-auth/test/ssh-key.ts";
import { runQuietly, tool } from "./checks.mjs";
import { KINDS } from "./house/tables.mjs";
import { Caller } from "./operator/dpop.mjs";
import { blocksOf, runBlock } from "./operator/guide.mjs";
import { Installation } from "./operator/installation.mjs";
import { fetchJson, firstLine, freePort, stop } from "./operator/programs.mjs";
import { startRegistry } from "./operator/registry.mjs";
import { packAll } from "./pack.mjs";

const GUIDE = "docs/build/plugin.md";
const PUBLISHED = [
  "core",
  "log",
  "testkit",
  "broker",
  "auth-walletsig",
  "wallet-keystore",
  "audit-sqlite",
  "issuer-oidc",
];

/** @type {string} */
let packed;
/** @type {Awaited<ReturnType<typeof startRegistry>>} */
let registry;
/** @type {Installation} who follows the guide */
let newcomer;
/** @type {Installation} who makes the other kinds, in one folder with one node_modules */
let author;

beforeAll(async () => {
  packed = await mkdtemp(join(tmpdir(), "agentkeys-packed-"));
  const names = [...PUBLISHED.map((name) => `@agentkeys/${name}`), "create-agentkeys-plugin"];
  registry = await startRegistry(await packAll(packed, names));
  const empty = await realpath(await mkdtemp(join(tmpdir(), "agentkeys-newcomer-")));
  newcomer = new Installation(empty, process.execPath, registry.url);
  author = await Installation.make({ workspaces: ["agentkeys-*"] }, registry.url);
}, 120_000);

const folders = [];
afterAll(async () => {
  await registry.close();
  for (const folder of [...folders, author.folder, packed]) await rm(folder, { recursive: true });
});

describe("docs/build/plugin.md, followed by a newcomer", () => {
  const [create = ""] = blocksOf(GUIDE, "Begin", "sh");
  const [spoil = "", repair = ""] = blocksOf(GUIDE, "Read a failing case", "sh");
  const [failing = ""] = blocksOf(GUIDE, "Read a failing case", "text failing");
  const [install = "", start = "", ask = ""] = blocksOf(GUIDE, "Run it in a broker", "sh");
  const [toml = ""] = blocksOf(GUIDE, "Run it in a broker", "toml");
  const begun = Date.now();

  it("makes a plug-in in an empty folder that builds and passes as it is", async () => {
    folders.push(newcomer.folder);
    expect(await runBlock(newcomer, create)).toMatch(/Tests.*\d+ passed \(\d+\)/u);
  }, 180_000);

  it("shows the failing cases that it says, then none", async () => {
    const shown = await runBlock(newcomer, spoil);
    const told = failing.match(/\[AUTH-\d\d\] .*/gu);
    const failed = shown.match(/(?<=FAIL .*)\[AUTH-\d\d\] .*/gu);
    expect(failed).toEqual(told);
    expect(shown).toContain(failing.split("\n").find((line) => line.startsWith("conformance: ")));
    expect(await runBlock(newcomer, repair)).toContain("All 36 `auth` cases");
  }, 60_000);

  it("is packed as packages should be", async () => {
    await newcomer.run("npm", "pack");
    expect(await findPackingFaults(newcomer)).toEqual([]);
  }, 60_000);

  it("serves the broker that selects it by name, which signs a person in with it", async () => {
    await runBlock(newcomer, install);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const own = `[broker]\npublic_url = "${url}"\nlisten = "127.0.0.1:${port}"\ndata_dir = "data"\n\n`;
    await writeFile(join(newcomer.folder, "agentkeys.toml"), own + toml);
    const [check = "", run] = start.trimEnd().split("\n");
    expect(await runBlock(newcomer, check)).toContain("auth.badge: @acme/agentkeys-auth-badge 0.1.0");
    expect(run).toBe("npx agentkeys-broker");
    const broker = newcomer.start("agentkeys-broker");
    try {
      await firstLine(broker);
      console.log(`the guide took ${Math.round((Date.now() - begun) / 1000)} s of machine time`);
      const said = await runBlock(newcomer, ask.replaceAll("127.0.0.1:8787", `127.0.0.1:${port}`));
      expect(said).toContain(`"message":"Sign in to ${url}`);
      expect(said).toContain('"status":"ready"');
      expect(await signIn(new Caller(url), newcomer.folder)).toMatchObject({ status: 200, body: { role: "operator" } });
    } finally {
      await stop(broker);
    }
  }, 180_000);
});

describe("the other templates, outside of the repository", () => {
  const others = KINDS.filter((kind) => kind !== "auth");
  const pluginOf = (/** @type {string} */ kind) =>
    new Installation(join(author.folder, `agentkeys-${kind}-other`), process.execPath, registry.url);

  beforeAll(async () => {
    for (const kind of others)
      await author.run("npm", "create", "--yes", "agentkeys-plugin", "--", "--kind", kind, "--name", "other", "--yes");
    await author.install([]);
  }, 180_000);

  it.each(others)("%s holds no name but its own", async (kind) => {
    const { folder } = pluginOf(kind);
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(7);
    for (const { parentPath, name } of files)
      expect(await readFile(join(parentPath, name), "utf8")).not.toMatch(/@acme|\btemplate\b/u);
  });

  it.each(others)(
    "%s builds, passes, and its README says so",
    async (kind) => {
      const plugin = pluginOf(kind);
      await plugin.run("npm", "run", "typecheck");
      expect(await plugin.run("npm", "test")).toMatch(/Tests.*\d+ passed \(\d+\)/u);
      expect(await plugin.run("npm", "run", "conformance", "--", "--check")).toContain("None is waived.");
    },
    120_000,
  );

  it.each(others)(
    "%s is packed as packages should be",
    async (kind) => {
      await pluginOf(kind).run("npm", "pack");
      expect(await findPackingFaults(pluginOf(kind))).toEqual([]);
    },
    60_000,
  );

  it("audit's notary signs the heads of a real broker, and its verifier believes no other", async () => {
    const operator = await Installation.make({}, registry.url);
    folders.push(operator.folder);
    const plugin = join(pluginOf("audit").folder, "agentkeys-audit-other-0.1.0.tgz");
    await operator.install([
      ...PUBLISHED.filter((name) => name !== "testkit").map((name) => `@agentkeys/${name}`),
      plugin,
    ]);
    const notary = await startNotary(operator);
    const url = `http://127.0.0.1:${await freePort()}`;
    const own = `[broker]\npublic_url = "${url}"\nlisten = "${new URL(url).host}"\ndata_dir = "data"\n`;
    const section = `[audit.other]\nplugin = "agentkeys-audit-other"\nurl = "${notary.url}"\npublic_key = "${notary.publicKey}"\n`;
    await writeFile(join(operator.folder, "agentkeys.toml"), `${own}[audit]\nanchors = ["other"]\n${section}`);
    const broker = operator.start("agentkeys-broker", "--config", "agentkeys.toml");
    try {
      await firstLine(broker);
      const { log } = await fetchJson(`${url}/.well-known/agentkeys`);
      await notary.know(log.vkey);
      const { head, evidence } = await seePublished(url, notary.url, log);
      expect(await verifyOffline(operator, head, evidence, notary.publicKey)).toBe(true);
      expect(await verifyOffline(operator, { ...head, size: head.size + 1 }, evidence, notary.publicKey)).toBe(false);
    } finally {
      await Promise.all([broker, notary.program].map(stop));
    }
  }, 120_000);
});

/** What publint and attw have against what `npm pack` has left in the folder. */
async function findPackingFaults(/** @type {Installation} */ { folder }) {
  const [name = ""] = (await readdir(folder)).filter((one) => one.endsWith(".tgz"));
  const looks = [
    tool("publint", "run", join(folder, name), "--strict"),
    tool("attw", join(folder, name), "--profile", "esm-only", "--no-emoji", "--format", "ascii"),
  ];
  const said = await Promise.all(looks.map((command) => runQuietly(command)));
  return said.filter(({ code }) => code !== 0).map(({ output }) => output);
}

/** The first sign-in of all, which claims the broker; answers its account. */
async function signIn(/** @type {Caller} */ caller, folder) {
  const key = makeSshKey("operator");
  const code = (await readFile(join(folder, "data/claim-code"), "utf8")).trim();
  const started = await caller.call("POST", "/v1/auth/badge/start", { public_key: key.line, claim_code: code });
  const { challenge_id, message } = started.body;
  const answer = { challenge_id, signature: key.sign(message) };
  const finished = await caller.call("POST", "/v1/auth/badge/finish", answer);
  caller.token = finished.body.access_token;
  return caller.call("GET", "/v1/account");
}

async function startNotary(/** @type {Installation} */ operator) {
  const at = (/** @type {string} */ name) => join(operator.folder, name);
  const { privateKey } = generateKeyPairSync("ed25519");
  await writeFile(at("notary.pem"), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  await writeFile(at("logs.txt"), "");
  const files = ["notary.pem", "statements.jsonl", "logs.txt"].map(at);
  const program = operator.start("agentkeys-other-notary", ...files, "0");
  const [, url, publicKey] = (await firstLine(program)).split(" ");
  return { program, url, publicKey, know: (/** @type {string} */ vkey) => writeFile(at("logs.txt"), `${vkey}\n`) };
}

/** Asks the installed verifier, in a process of its own. */
async function verifyOffline(operator, head, evidence, publicKey) {
  const asked = [head, evidence, { public_key: publicKey }].map((value) => JSON.stringify(value)).join(", ");
  const script = `import { verifyOffline } from "agentkeys-audit-other/verify";
    console.log(await verifyOffline(${asked}));`;
  return JSON.parse(await operator.run("node", "--input-type=module", "-e", script));
}

/** Waits until the notary has signed the head that the broker shows. */
async function seePublished(url, notaryUrl, { log_id, origin }) {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    await sleep(250);
    const note = await (await fetch(`${url}/v1/audit/logs/${log_id}/checkpoint`)).text();
    const [, size, root = ""] = note.split("\n");
    const statement = await fetchJson(`${notaryUrl}/heads/${log_id}`);
    if (statement.size !== Number(size) || statement.size === 0) continue;
    const head = { origin, logId: log_id, size: Number(size), root, note };
    const { note_hash } = statement;
    return { head, evidence: { anchor: "other", size: head.size, note_hash, finality: 4, proof: statement } };
  }
  throw new Error("the notary never signed the broker's head");
}
