import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { formatVkey, parseVkey, type NoteKey } from "../src/index.ts";

/** An Ed25519 key of a printed seed, TEST ONLY: its note key and a function that signs with it. */
export interface TestSigner {
  readonly key: NoteKey;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** Makes a signer from 32 bytes of seed, by Node's own Ed25519. */
export function makeSigner(name: string, algorithm: 1 | 4, seed: Uint8Array): TestSigner {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  const privateKey = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return {
    key: parseVkey(formatVkey(name, algorithm, Uint8Array.from(publicKey))),
    sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)),
  };
}
