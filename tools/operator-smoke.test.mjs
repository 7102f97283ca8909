// What an operator has: packed packages and npm, and nothing of this repository.
import { mkdtemp, rm } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root as repository } from "./checks.mjs";
import { Installation } from "./operator/installation.mjs";
import { bringOldestNode, bringTooOldNode } from "./operator/other-nodes.mjs";
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
  const published = await packAll(
    packed,
    [...BELOW, ...V0].map((name) => `@agentkeys/${name}`),
  );
  tarballs = new Map(published.map(({ name, tarball }) => [name, tarball]));
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
