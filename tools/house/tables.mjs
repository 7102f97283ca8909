// The house rules' facts: who may do what, and why. Changing a row is a decision to be reviewed, like code.

/** The kinds of plug-in. */
export const KINDS = ["auth", "wallet", "audit", "issuer"];

/** Libraries that everything rests on may depend on these alone. */
export const FOUNDATIONS = {
  "packages/core": ["@noble/hashes", "@standard-schema/spec"],
  "packages/log": ["@agentkeys/core", "@noble/curves", "@noble/hashes", "cborg"],
};

/** A vendor's code, and the only packages that may run it. A pattern ending in `/` is a whole npm scope. */
export const VENDORS = [
  { code: "ethers", only: ["packages/auth-walletsig", "packages/wallet-keystore", "apps/cli"] },
  { code: "siwe", only: ["packages/auth-walletsig"] },
  { code: "@aws-sdk/", only: ["packages/auth-email", "packages/issuer-aws", "packages/audit-s3"] },
  { code: "@smithy/", only: ["packages/issuer-aws", "packages/audit-s3"] },
  { code: "nodemailer", only: ["packages/auth-email"] },
  { code: "openid-client", only: ["packages/auth-oauth2"] },
  { code: "@simplewebauthn/", only: ["packages/auth-passkey"] },
  { code: "@solana/", only: ["packages/audit-solana"] },
  { code: "@coral-xyz/", only: ["packages/audit-solana"] },
  { code: "@account-abstraction/", only: ["packages/wallet-smartaccount"] },
  { code: "viem", only: ["packages/wallet-smartaccount"] },
  { code: "permissionless", only: ["packages/wallet-smartaccount"] },
  { code: "polkadot-api", only: ["packages/audit-heima"] },
  { code: "better-sqlite3", only: ["apps/broker", "packages/audit-sqlite"] },
  { code: "drizzle-orm", only: ["apps/broker"] },
  { code: "hono", only: ["apps/broker"] },
  { code: "@hono/", only: ["apps/broker"] },
  { code: "@napi-rs/keyring", only: ["apps/cli"] },
  { code: "commander", only: ["apps/cli"] },
  { code: "bip39", only: ["apps/cli"] },
  { code: "cborg", only: ["packages/log"] },
];

/** Node modules by which code reaches past its host. A plug-in imports one only with a row in `REACHES`. */
export const WORLD = [
  "child_process",
  "cluster",
  "dgram",
  "dns",
  "fs",
  "http",
  "http2",
  "https",
  "inspector",
  "module",
  "net",
  "os",
  "process",
  "readline",
  "repl",
  "tls",
  "v8",
  "vm",
  "worker_threads",
];

/** Plug-ins that reach past their host, what for, and why the host cannot lend it. */
export const REACHES = [
  {
    dir: "packages/auth-walletsig",
    modules: ["worker_threads"],
    why: "recovering a signer is a millisecond or more of arithmetic, which must not stand in everybody's way",
  },
  {
    dir: "packages/audit-sqlite",
    modules: ["fs", "worker_threads"],
    why: "the log is a file of its own, written by a worker so that a disk that hangs stops no deadline",
  },
];

/** Parts of a package that stand by themselves. Each has a budget of its own; a program has no host to ask. */
export const PARTS = [
  {
    folder: "packages/auth-walletsig/src/thread/",
    is: "thread",
    why: "arithmetic alone; it needs nothing of the host",
  },
  { folder: "packages/audit-witness/src/witness/", is: "program", why: "agentkeys-witness, the far side" },
  { folder: "templates/plugin-audit/src/notary/", is: "program", why: "the notary, the far side" },
  { folder: "packages/audit-sqlite/src/thread/", is: "thread", why: "the log; what the host lends comes by message" },
  {
    folder: "packages/audit-sqlite/src/upkeep/",
    is: "thread",
    why: "the log over the years: epochs, keys, openings, tiles, checks, copies",
  },
  { folder: "packages/log/src/tile.ts", is: "format", why: "how a log is served; no record, head or receipt needs it" },
];

/** Globals and functions that stand for what the host lends: time, randomness, network, timers, output. */
export const HOST_LENDS = [
  { name: "Date.now", ask: "host.clock" },
  { name: "performance.now", ask: "host.clock" },
  { name: "Math.random", ask: "host.random" },
  { name: "randomBytes", ask: "host.random" },
  { name: "randomFillSync", ask: "host.random" },
  { name: "randomInt", ask: "host.random" },
  { name: "randomUUID", ask: "host.random" },
  { name: "getRandomValues", ask: "host.random" },
  { name: "fetch", ask: "host.fetch" },
];

/** The `##` headings of a plug-in's README, all of them, in this order. */
export const README_HEADINGS = [
  "Install",
  "Configure",
  "What it proves",
  "What it needs",
  "Failure modes",
  "Conformance",
];

/** Lines of code (blank lines and comments not counted) that a unit may have before it holds two ideas. */
export const BUDGETS = { core: 900, log: 900, plugin: 600, step: 250, flow: 80 };

/** Lines of any kind in one file. */
export const LONGEST_FILE = 300;
