import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { toBase58 } from "../src/base58.ts";

/** A Solana wallet of the tests. Everybody can make it. */
export interface SolanaKey {
  readonly address: string;
  /** What the wallet's `signMessage` answers, in base58. */
  sign(message: string): string;
}

export function makeSolanaKey(name: string): SolanaKey {
  const seed = createHash("sha256").update(name).digest("hex");
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return {
    address: toBase58(publicKey),
    sign: (message) => toBase58(sign(null, Buffer.from(message), privateKey)),
  };
}
