import { createHash, createPublicKey, verify } from "node:crypto";

const ALGORITHM = "ssh-ed25519";
const MAGIC = "SSHSIG";
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?$/;

/** The 32 bytes of an `ssh-ed25519 AAAA… comment` line (RFC 8709), or undefined. */
export function parsePublicKey(line: string): Buffer | undefined {
  const [, encoded = ""] = /^ssh-ed25519 ([A-Za-z0-9+/]+=*)(?: [^\n]*)?\n?$/.exec(line) ?? [];
  const fields = takeStrings(Buffer.from(encoded, "base64"), 2);
  const [algorithm, key] = fields ?? [];
  return algorithm?.toString() === ALGORITHM && key?.length === 32 ? key : undefined;
}

/** The fingerprint `ssh-keygen -l` shows: SHA256 and unpadded base64 of the key blob. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(keyBlob(key)).digest("base64").replace(/=+$/, "")}`;
}

/** True when `armored` is an SSH signature (PROTOCOL.sshsig) by `key`, for `namespace`, over `message`. Never throws. */
export function verifySshSignature(armored: string, key: Buffer, namespace: string, message: string): boolean {
  const [, body = ""] = ARMOR.exec(armored) ?? [];
  const blob = Buffer.from(body.replaceAll("\n", ""), "base64");
  if (blob.subarray(0, 6).toString() !== MAGIC || blob.length < 10 || blob.readUInt32BE(6) !== 1) return false;
  const fields = takeStrings(blob.subarray(10), 5);
  if (fields === undefined) return false;
  const [publicKey, purpose, , hash, signature] = fields.map((field) => field.toString("latin1"));
  if (publicKey !== keyBlob(key).toString("latin1") || purpose !== namespace) return false;
  if (hash !== "sha256" && hash !== "sha512") return false;
  const [algorithm, bytes] = takeStrings(Buffer.from(signature ?? "", "latin1"), 2) ?? [];
  if (algorithm?.toString() !== ALGORITHM || bytes?.length !== 64) return false;
  const digest = createHash(hash).update(message).digest();
  const signed = Buffer.concat([
    Buffer.from(MAGIC),
    ...[Buffer.from(namespace), Buffer.alloc(0), Buffer.from(hash), digest].map(withLength),
  ]);
  return verify(null, signed, publicKeyOf(key), bytes);
}

function publicKeyOf(key: Buffer) {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") }, format: "jwk" });
}

function keyBlob(key: Buffer): Buffer {
  return Buffer.concat([withLength(Buffer.from(ALGORITHM)), withLength(key)]);
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Exactly `count` length-prefixed strings (RFC 4251 section 5) and nothing behind them, or undefined. */
function takeStrings(bytes: Buffer, count: number): Buffer[] | undefined {
  const found: Buffer[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    if (at + 4 + length > bytes.length) return undefined;
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return at === bytes.length && found.length === count ? found : undefined;
}
