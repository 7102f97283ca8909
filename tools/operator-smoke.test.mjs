// What an operator and a third party have: packed packages and npm, and nothing of this repository.
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSshKey } from "../test/third-party/acme-auth-method/test/ssh-key.ts";
import { root as repository } from "./checks.mjs";
import { Caller } from "./operator/dpop.mjs";
import { Installation } from "./operator/installation.mjs";
import { bringOldestNode, bringTooOldNode } from "./operator/other-nodes.mjs";
import { checkOut, packPackage } from "./operator/third-party.mjs";
import { packAll } from "./pack.mjs";

const V0 = [
  "broker",
  "cli",
  "auth-walletsig",
  "auth-email",
  "wallet-keystore",
  "audit-sqlite",
  "audit-witness",
  "issuer-oidc",
  "client",
  "verify",
];
/** Not published yet when this runs, so npm cannot find them by itself. */
const BELOW = ["core", "log"];
const PROGRAMS = ["agentkeys", "agentkeys-broker", "agentkeys-verify", "agentkeys-witness"];
const CHOSEN_LATER = {
  Solana: /^@solana\/|^@coral-xyz\/|^@metaplex/,
  "EVM accounts": /^@account-abstraction\/|^(viem|permissionless|ox|abitype|web3|wagmi)$|^@wagmi\//,
  WebAuthn: /^@simplewebauthn\/|^@passwordless-id\/|^fido2/,
  AWS: /^@aws-sdk\/|^@aws-crypto\/|^@aws\/|^@smithy\/|^aws-/,
  mail: /^nodemailer$/,
  Polkadot: /^polkadot-api$|^@polkadot/,
};

/** @type {string} */
let packed;
/** @type {Map<string, string>} package name to tarball */
let tarballs;
/** @type {Installation} */
let operator;

const tarballsOf = (/** @type {readonly string[]} */ names) =>
  names.map((name) => tarballs.get(`@agentkeys/${name}`) ?? `${name} was not packed`);

beforeAll(async () => {
  packed = await mkdtemp(join(tmpdir(), "agentkeys-packed-"));
  tarballs = new Map((await packAll(packed)).map(({ name, tarball }) => [name, tarball]));
  operator = await Installation.make();
  await operator.install(tarballsOf([...BELOW, ...V0]));
}, 300_000);

afterAll(async () => {
  await rm(operator.folder, { recursive: true });
  await rm(packed, { recursive: true });
});

describe("the v0 packages, installed by npm in an empty folder", () => {
  it("satisfy each other's peers, each in one copy", async () => {
    await operator.run("npm", "ls", "--all");
    const own = (await operator.packages()).filter((name) => name.startsWith("@agentkeys/"));
    expect(own.toSorted()).toEqual([...BELOW, ...V0].map((name) => `@agentkeys/${name}`).toSorted());
  });

  it("bring no code of a vendor nobody chose", async () => {
    const packages = await operator.packages();
    console.log(`installed: ${packages.length} packages, ${(await operator.megabytes()).toFixed(1)} MB`);
    for (const [vendor, pattern] of Object.entries(CHOSEN_LATER)) {
      expect({ vendor, packages: packages.filter((name) => pattern.test(name)) }).toEqual({ vendor, packages: [] });
    }
  });

  it.each([
    ["the Node of these tests", () => process.execPath],
    ["the oldest Node that has Node-API 10, as better-sqlite3 needs it", bringOldestNode],
  ])(
    "do the main job by the installed programs, on %s",
    async (_, findNode) => {
      const program = join(repository, "tools/main-job.mjs");
      const done = await operator.on(findNode()).run("node", program, "--once", "--bin-dir", operator.bin);
      expect(done).toContain("The main job is done");
    },
    120_000,
  );

  it.each(PROGRAMS)("%s says to an old Node in one line which one it needs, and exits 78", (program) => {
    const ended = spawnSync(bringTooOldNode(), [join(operator.bin, program)], { encoding: "utf8", timeout: 20_000 });
    expect(ended).toMatchObject({ status: 78, stdout: "" });
    expect(ended.stderr).toMatch(/^ERR_CONFIG_NODE_VERSION[^\n]*22\.14[^\n]*\n$/);
  });
});

describe("third parties, outside of the workspace", () => {
  /** @type {Installation[]} */
  const authors = [];
  afterAll(async () => {
    for (const { folder } of authors) await rm(folder, { recursive: true });
  });

  it.each(["acme-auth-method", "acme-audit-anchor"])(
    "%s builds against the packed types and keeps its contract",
    async (name) => {
      const author = await checkOut(name, tarballsOf([...BELOW, "testkit"]));
      authors.push(author);
      await author.run("npm", "run", "build");
      await author.run("npm", "run", "typecheck");
      expect(await author.run("npm", "test")).toMatch(/Tests.*\d+ passed/);
    },
    180_000,
  );

  it("both serve a broker that selects them by name", async () => {
    await operator.install(await Promise.all(authors.map(packPackage)));
    const notary = await startNotary();
    const url = `http://127.0.0.1:${await freePort()}`;
    await writeFile(
      join(operator.folder, "agentkeys.toml"),
      `[broker]
public_url = "${url}"
listen = "${new URL(url).host}"
data_dir = "data"

[auth]
methods = ["ssh"]

[auth.ssh]
plugin = "@acme/agentkeys-auth-ssh"

[audit]
anchors = ["notary"]

[audit.notary]
plugin = "@acme/agentkeys-audit-notary"
url = "${notary.url}"
public_key = "${notary.publicKey}"
`,
    );
    const broker = operator.start("agentkeys-broker", "--config", "agentkeys.toml");
    try {
      await firstLine(broker);
      const about = await fetchJson(`${url}/.well-known/agentkeys`);
      expect(about).toMatchObject({ methods: [{ name: "ssh", identity_types: ["ssh_ed25519"] }], anchors: ["notary"] });
      await notary.know(about.log.vkey);

      const caller = new Caller(url);
      await signIn(caller);
      expect(await caller.call("GET", "/v1/account")).toMatchObject({ status: 200, body: { role: "operator" } });
      const { head, evidence } = await seePublished(url, notary.url, about.log);
      expect(await verifyOffline(head, evidence, notary.publicKey)).toBe(true);
      expect(await verifyOffline({ ...head, size: head.size + 1 }, evidence, notary.publicKey)).toBe(false);
    } finally {
      await Promise.all([broker, notary.program].map(stop));
    }
  }, 120_000);

  async function startNotary() {
    const at = (/** @type {string} */ name) => join(operator.folder, name);
    const { privateKey } = generateKeyPairSync("ed25519");
    await writeFile(at("notary.pem"), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    await writeFile(at("logs.txt"), "");
    const program = operator.start("acme-notary", at("notary.pem"), at("statements.jsonl"), at("logs.txt"), "0");
    const line = await firstLine(program);
    const [, url, publicKey] = line.split(" ");
    return { program, url, publicKey, know: (/** @type {string} */ vkey) => writeFile(at("logs.txt"), `${vkey}\n`) };
  }

  /** The first sign-in of all, which claims the broker. */
  async function signIn(/** @type {Caller} */ caller) {
    const key = makeSshKey("operator");
    const code = (await readFile(join(operator.folder, "data/claim-code"), "utf8")).trim();
    const started = await caller.call("POST", "/v1/auth/ssh/start", { public_key: key.line, claim_code: code });
    expect(started).toMatchObject({ status: 200, body: { namespace: "agentkeys" } });
    const { challenge_id, message } = started.body;
    const answer = { challenge_id, signature: key.sign(message) };
    const finished = await caller.call("POST", "/v1/auth/ssh/finish", answer);
    expect(finished).toMatchObject({ status: 200, body: { token_type: "DPoP" } });
    caller.token = finished.body.access_token;
  }

  /** Asks the installed verifier, in a process of its own. */
  async function verifyOffline(head, evidence, publicKey) {
    const asked = [head, evidence, { public_key: publicKey }].map((value) => JSON.stringify(value)).join(", ");
    const script = `import { verifyOffline } from "@acme/agentkeys-audit-notary/verify";
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
      return { head, evidence: { anchor: "notary", size: head.size, note_hash, finality: 4, proof: statement } };
    }
    throw new Error("the notary never signed the broker's head");
  }
});

/** What a program says first; rejects with what it said instead if it ends before. */
async function firstLine(/** @type {import("node:child_process").ChildProcessByStdio<null, any, any>} */ program) {
  const complaint = text(program.stderr);
  const [line] = await Promise.race([
    once(createInterface({ input: program.stdout }), "line"),
    once(program, "exit").then(async ([code]) => Promise.reject(new Error(`ended with ${code}: ${await complaint}`))),
  ]);
  return String(line);
}

async function stop(/** @type {import("node:child_process").ChildProcess} */ program) {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = once(program, "exit");
  program.kill();
  await ended;
}

/** @returns {Promise<any>} */
async function fetchJson(/** @type {string} */ url) {
  return (await fetch(url)).json();
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}
