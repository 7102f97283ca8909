import { createHmac, createPrivateKey, createPublicKey, sign, type KeyObject } from "node:crypto";
import { base58 } from "@scure/base";
import { mnemonicToSeed } from "bip39";

/** A Solana account's key. */
export interface SolanaKey {
  /** The public key in base58. */
  readonly address: string;
  /** Where it stands in the tree of keys. */
  readonly path: string;
  /** The base58 Ed25519 signature over a text's UTF-8 bytes. */
  readonly signText: (text: string) => string;
}

/** A key in the tree of keys, and what its children are made with. */
export interface TreeNode {
  /** The seed of an Ed25519 key (RFC 8032). */
  readonly secret: Buffer;
  readonly chainCode: Buffer;
}

/** The largest index of a step. */
export const largestIndex = 0x7fff_ffff;

/** The Solana key of words, m/44'/501'/INDEX'/0': the path that Solana's wallets take. */
export async function deriveSolanaKey(mnemonic: string, index: number): Promise<SolanaKey> {
  const steps = [44, 501, index, 0];
  const { secret } = deriveTreeNode(await mnemonicToSeed(mnemonic), steps);
  const key = signingKeyOf(secret);
  return {
    address: base58.encode(publicBytesOf(key)),
    path: `m/${steps.map((step) => `${step}'`).join("/")}`,
    signText: (text) => base58.encode(sign(null, Buffer.from(text), key)),
  };
}

/** The Ed25519 key at a path of a seed (SLIP-0010). Every step is hardened: Ed25519 knows no other. */
export function deriveTreeNode(seed: Uint8Array, steps: readonly number[]): TreeNode {
  let node = split(createHmac("sha512", "ed25519 seed").update(seed));
  for (const step of steps) {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(step + largestIndex + 1);
    node = split(createHmac("sha512", node.chainCode).update(Buffer.of(0)).update(node.secret).update(index));
  }
  return node;
}

function split(hmac: ReturnType<typeof createHmac>): TreeNode {
  const bytes = hmac.digest();
  return { secret: bytes.subarray(0, 32), chainCode: bytes.subarray(32) };
}

/** DER of an Ed25519 private key up to its 32 bytes (RFC 8410). */
const keyPrefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** The private key of a seed of 32 bytes. */
export function signingKeyOf(secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([keyPrefix, secret]), format: "der", type: "pkcs8" });
}

/** The 32 bytes of the public key. */
export function publicBytesOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}
