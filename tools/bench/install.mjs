// What an operator of the v0 installs: packages and their bytes, read from what is installed here.
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { root } from "./packages.mjs";
import { mostRow } from "./rows.mjs";

const chosen = [
  "apps/broker",
  "packages/auth-walletsig",
  "packages/auth-email",
  "packages/wallet-keystore",
  "packages/audit-sqlite",
  "packages/audit-witness",
  "packages/issuer-oidc",
];
/** What a v0 must not bring along. */
const unwanted = /^@solana\/|^@simplewebauthn\/|^@aws-sdk\/|^@zerodev\/|^permissionless$|^viem$/u;

export async function benchInstall() {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const folder of chosen) await gather(await realpath(join(root, folder)), found);
  let bytes = 0;
  for (const [folder, name] of found) bytes += await sizeOf(folder, name.startsWith("@agentkeys/"));
  const others = [...found.values()].filter((name) => unwanted.test(name));
  return [
    mostRow("v0 install", "packages", found.size),
    mostRow("v0 install", "MB", bytes / 1e6),
    mostRow("v0 install, of Solana, EVM accounts, WebAuthn, AWS", "packages", others.length, 0),
  ];
}

/**
 * A package and all it depends on, by the folder each lies in.
 *
 * @param {string} folder
 * @param {Map<string, string>} found
 */
async function gather(folder, found) {
  if (found.has(folder)) return;
  /** @type {{ name: string, dependencies?: Record<string, string> }} */
  const { name, dependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  found.set(folder, name);
  for (const other of Object.keys(dependencies)) await gather(await locate(other, folder), found);
}

/** The folder of a package as Node finds it from another. */
async function locate(/** @type {string} */ name, /** @type {string} */ from) {
  for (let at = from; ; at = dirname(at)) {
    const folder = await realpath(join(at, "node_modules", name)).catch(() => undefined);
    if (folder !== undefined) return folder;
    if (at === dirname(at)) throw new Error(`${name} is not installed for ${from}: run pnpm install`);
  }
}

/**
 * Bytes of a package's own files; of one of this repository, those that are published.
 *
 * @param {string} folder
 * @param {boolean} isOurs
 * @returns {Promise<number>}
 */
async function sizeOf(folder, isOurs) {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const isPublished = !isOurs || ["dist", "src", "package.json", "README.md", "LICENSE"].includes(entry.name);
    if (entry.name === "node_modules" || !isPublished) continue;
    if (entry.isDirectory()) bytes += await sizeOf(path, false);
    else if (entry.isFile()) bytes += (await stat(path)).size;
  }
  return bytes;
}
