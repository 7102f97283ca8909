import { toBase64 } from "./encoding.ts";

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

// Importing costs about as much as verifying. A log has one key and a policy a few witnesses, so few are ever kept.
const imported = new Map<string, Promise<Key>>();
const mostImported = 256;

/** Verifies an Ed25519 signature (RFC 8032) by WebCrypto. False for anything malformed. */
export async function verifyEd25519(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const key = await importKey(publicKey).catch(() => undefined);
  return (
    key !== undefined && crypto.subtle.verify("Ed25519", key, Uint8Array.from(signature), Uint8Array.from(message))
  );
}

function importKey(publicKey: Uint8Array): Promise<Key> {
  const name = toBase64(publicKey);
  const known = imported.get(name);
  if (known !== undefined) return known;
  const key = crypto.subtle.importKey("raw", Uint8Array.from(publicKey), "Ed25519", false, ["verify"]);
  const [oldest] = imported.keys();
  if (imported.size >= mostImported && oldest !== undefined) imported.delete(oldest);
  imported.set(name, key);
  return key;
}
