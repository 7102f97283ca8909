import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { lstatSync, readFileSync, writeFileSync } from "node:fs";
import { AgentKeysError } from "@agentkeys/core";
import { formatVkey, fromBase64, parseVkey, toBase64, type NoteKey } from "@agentkeys/log";

/** The key a witness cosigns with. */
export interface WitnessKey {
  readonly vkey: string;
  readonly noteKey: NoteKey;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

// RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS #8.
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Makes a cosignature key (algorithm 4) and writes it to a new file, mode 0600, in the private form of signed notes:
 * `PRIVATE+KEY+name+id+base64(algorithm ‖ seed)`. Answers its vkey. Throws ERR_CONFIG_KEY_FILE, also where a file is already;
 * ERR_AUDIT_PROOF for a name that no key may have.
 */
export function makeKeyFile(path: string, name: string): string {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  const vkey = formatVkey(name, 4, publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  const [, id = ""] = vkey.split("+");
  const text = `PRIVATE+KEY+${name}+${id}+${toBase64(Buffer.concat([Uint8Array.of(4), seed]))}\n`;
  try {
    writeFileSync(path, text, { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    throw refuse(path, (error as Error).message, error);
  }
  return vkey;
}

/** Reads a key file. Throws ERR_CONFIG_KEY_FILE when it is missing, of another form, or open to others than its owner. */
export function readKeyFile(path: string): WitnessKey {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse(path, "there is no such file");
  if (!stat.isFile() || (stat.mode & 0o077) !== 0) throw refuse(path, "it is not a file of mode 0600");
  const [, name = "", id = "", key = ""] =
    /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(.+)\n$/u.exec(readFileSync(path, "utf8")) ?? [];
  try {
    const [algorithm, ...seed] = fromBase64(key);
    if (algorithm !== 4 || seed.length !== 32) throw new Error("not a cosignature key");
    const der = Buffer.concat([pkcs8Prefix, Uint8Array.from(seed)]);
    const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
    const vkey = formatVkey(name, 4, publicKey);
    if (vkey.split("+")[1] !== id) throw new Error("not the id of this key");
    return { vkey, noteKey: parseVkey(vkey), sign: (bytes) => sign(null, bytes, privateKey) };
  } catch (error) {
    throw refuse(path, "it does not hold a witness key made by `agentkeys-witness keygen`", error);
  }
}

function refuse(path: string, reason: string, cause?: unknown): AgentKeysError {
  return new AgentKeysError("ERR_CONFIG_KEY_FILE", `${path}: ${reason}`, { path, reason }, { cause });
}
