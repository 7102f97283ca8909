import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AgentKeysError, toCrockford } from "@agentkeys/core";
import { equalBytes, formatVkey, parseVkey, signNote } from "@agentkeys/log";
import * as v from "valibot";
import type { LogStore } from "./store.ts";

/** Who the log is: what its heads are signed with and its tags are made with. */
export interface LogIdentity {
  readonly origin: string;
  readonly vkey: string;
  readonly indexKey: Uint8Array;
  /** The whole note of checkpoint text. Ed25519 is deterministic: the same text is always the same note. */
  signHead(text: string): string;
}

interface Genesis {
  readonly origin: string;
  readonly publicKey: Uint8Array;
  readonly indexKeyHash: Uint8Array;
}

const hex = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/u),
  v.transform((text) => Buffer.from(text, "hex")),
);
const keyFile = v.strictObject({ ed25519_seed: hex, wallet_index_key: hex });
// RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS #8.
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Opens the log's identity; a first boot makes it. Its order is: the key file, complete, under a name of its own; the log's row;
 * the key file's final name. So a first boot cut short anywhere can be continued, and afterwards keys without their log, or a
 * log without its keys, are refused with ERR_AUDIT_LOG_KEY. Throws ERR_CONFIG_KEY_FILE for a file that others can read.
 */
export function openIdentity(store: LogStore, folder: string, host: string, random: Uint8Array): LogIdentity {
  const path = join(folder, "log-keys.json");
  const unfinished = `${path}.new`;
  const row = "SELECT origin, public_key AS publicKey, index_key_hash AS indexKeyHash FROM log";
  const found = store.read(row) as Genesis | undefined;
  if (found === undefined && existsSync(path))
    throw refuse("ERR_AUDIT_LOG_KEY", path, "the keys are there but not their log");
  const genesis = found ?? makeGenesis(store, unfinished, host, random);
  const isUnfinished = existsSync(unfinished) && !existsSync(path);
  const keys = readKeys(isUnfinished ? unfinished : path);
  if (!equalBytes(keys.publicKey, genesis.publicKey) || !equalBytes(sha256(keys.indexKey), genesis.indexKeyHash)) {
    throw refuse("ERR_AUDIT_LOG_KEY", path, "the keys are not those of this log");
  }
  if (isUnfinished) {
    renameSync(unfinished, path);
    makeDurable(folder);
  }
  const vkey = formatVkey(genesis.origin, 1, keys.publicKey);
  const noteKey = parseVkey(vkey);
  return {
    origin: genesis.origin,
    vkey,
    indexKey: keys.indexKey,
    signHead: (text) => signNote(text, noteKey, (bytes) => sign(null, bytes, keys.signingKey)),
  };
}

function makeGenesis(store: LogStore, path: string, host: string, random: Uint8Array): Genesis {
  const [seed, index] = [random.subarray(0, 32), random.subarray(32, 64)].map((key) =>
    Buffer.from(key).toString("hex"),
  );
  rmSync(path, { force: true });
  const text = JSON.stringify({ ed25519_seed: seed, wallet_index_key: index });
  writeFileSync(path, `${text}\n`, { mode: 0o600, flush: true });
  makeDurable(join(path, ".."));
  const { publicKey, indexKey } = readKeys(path);
  const origin = `${host}/audit/${toCrockford(random.subarray(64, 69))}/1`;
  const genesis = { origin, publicKey, indexKeyHash: sha256(indexKey) };
  store.database.prepare("INSERT INTO log VALUES (1, @origin, @publicKey, @indexKeyHash)").run(genesis);
  return genesis;
}

interface LogKeys {
  readonly signingKey: KeyObject;
  readonly publicKey: Uint8Array;
  readonly indexKey: Uint8Array;
}

function readKeys(path: string): LogKeys {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse("ERR_AUDIT_LOG_KEY", path, "the log is there but not its keys");
  if (!stat.isFile() || (stat.mode & 0o077) !== 0) {
    throw refuse("ERR_CONFIG_KEY_FILE", path, "it is not a file of mode 0600, or others than its owner may use it");
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), keyFile), readFileSync(path, "utf8"));
  if (!parsed.success) throw refuse("ERR_CONFIG_KEY_FILE", path, "it does not hold the two keys of a log");
  const der = Buffer.concat([pkcs8Prefix, parsed.output.ed25519_seed]);
  const signingKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(signingKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { signingKey, publicKey, indexKey: parsed.output.wallet_index_key };
}

/** Makes a folder's entries durable. */
function makeDurable(folder: string): void {
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}

function refuse(code: "ERR_AUDIT_LOG_KEY" | "ERR_CONFIG_KEY_FILE", path: string, reason: string): AgentKeysError {
  return new AgentKeysError(code, `${path}: ${reason}`, { path, reason });
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
