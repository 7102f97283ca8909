import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import * as v from "valibot";

/** What a log keeps out of its database. */
export interface LogSecrets {
  /** Key of the wallet tags, 32 bytes. */
  readonly walletIndexKey: Uint8Array;
  /** Key that the keys of openings are wrapped with, 32 bytes. */
  readonly openingsKey: Uint8Array;
  /** Ed25519 seeds of the keys that still sign, the last two of each epoch, oldest first. */
  readonly signingKeys: readonly SigningSeed[];
}

/** The seed of a key that signs heads of an origin. */
export interface SigningSeed {
  readonly origin: string;
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

const hex = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/u),
  v.transform((text) => Buffer.from(text, "hex")),
);
const format = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({
    wallet_index_key: hex,
    openings_key: hex,
    signing_keys: v.array(v.strictObject({ origin: v.string(), ed25519_seed: hex })),
  }),
);

/**
 * The file `log-keys.json`, and how it changes together with the database: the new contents, whole and durable, under the name
 * `log-keys.json.new`; then the database's transaction; then the name. Cut short anywhere, the one of the two that fits the database
 * is the right one, and the other was never used.
 */
export class KeyFile {
  readonly path: string;
  readonly #folder: string;
  readonly #next: string;

  constructor(folder: string) {
    this.path = join(folder, "log-keys.json");
    this.#folder = folder;
    this.#next = `${this.path}.new`;
  }

  /** Refuses a file without its log, for which a first boot would make new keys. */
  assertNone(): void {
    if (isThere(this.path)) throw refuse("ERR_AUDIT_LOG_KEY", this.path, "the keys are there but not their log");
  }

  /** The secrets that fit the database. Throws ERR_CONFIG_KEY_FILE for a file that others can use, ERR_AUDIT_LOG_KEY where none fits. */
  open(fits: (secrets: LogSecrets) => boolean): LogSecrets {
    const found = [this.path, this.#next].filter(isThere);
    for (const path of found) {
      const secrets = parseKeyFile(path);
      if (!fits(secrets)) continue;
      if (path === this.#next) this.settle();
      else rmSync(this.#next, { force: true });
      return secrets;
    }
    const reason = found.length === 0 ? "the log is there but not its keys" : "the keys are not those of this log";
    throw refuse("ERR_AUDIT_LOG_KEY", this.path, reason);
  }

  /** Makes the next contents durable. Nothing is signed with their keys before the database knows of them. */
  prepare({ walletIndexKey, openingsKey, signingKeys }: LogSecrets): void {
    const contents = {
      wallet_index_key: toHex(walletIndexKey),
      openings_key: toHex(openingsKey),
      signing_keys: signingKeys.map(({ origin, seed }) => ({ origin, ed25519_seed: toHex(seed) })),
    };
    rmSync(this.#next, { force: true });
    writeKeyFile(this.#next, `${JSON.stringify(contents)}\n`);
    makeDurable(this.#folder);
  }

  /** Gives the prepared contents their name. */
  settle(): void {
    renameSync(this.#next, this.path);
    makeDurable(this.#folder);
  }

  /** Puts a copy into a folder. */
  copyTo(folder: string): void {
    writeKeyFile(join(folder, "log-keys.json"), readFileSync(this.path, "utf8"));
  }
}

/** Makes a folder's entries durable. */
export function makeDurable(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}

function writeKeyFile(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flush: true, flag: "wx" });
}

function parseKeyFile(path: string): LogSecrets {
  const stat = lstatSync(path);
  if (!stat.isFile() || (stat.mode & 0o077) !== 0)
    throw refuse("ERR_CONFIG_KEY_FILE", path, "it is not a file of mode 0600, or others than its owner may use it");
  const parsed = v.safeParse(format, readFileSync(path, "utf8"));
  if (!parsed.success) throw refuse("ERR_CONFIG_KEY_FILE", path, "it does not hold the keys of a log");
  const { wallet_index_key: walletIndexKey, openings_key: openingsKey, signing_keys: keys } = parsed.output;
  const signingKeys = keys.map(({ origin, ed25519_seed: seed }) => ({ origin, seed }));
  return { walletIndexKey, openingsKey, signingKeys };
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function refuse(code: "ERR_AUDIT_LOG_KEY" | "ERR_CONFIG_KEY_FILE", path: string, reason: string): AgentKeysError {
  return new AgentKeysError(code, `${path}: ${reason}`, { path, reason });
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
