import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { fromBase64 } from "@agentkeys/log";
import * as v from "valibot";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What the notary signs and keeps: which head it saw, and when. */
export const Statement = v.strictObject({
  origin: v.pipe(v.string(), v.maxLength(1024)),
  size: Count,
  /** Padded base64. */
  root: v.pipe(v.string(), v.length(44)),
  /** Lower hex. */
  note_hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Unix seconds. */
  time: Count,
  /** Ed25519 over {@link statementText}, padded base64. */
  signature: v.pipe(v.string(), v.length(88)),
});
export type Statement = v.InferOutput<typeof Statement>;

/** The bytes under the notary's signature. */
export function statementText(statement: Omit<Statement, "signature">): Uint8Array {
  const { origin, size, root, note_hash, time } = statement;
  return Buffer.from(`@acme/agentkeys-audit-template/v1\n${origin}\n${size}\n${root}\n${note_hash}\n${time}\n`);
}

/** The notary's key from padded base64, or undefined. */
export function parseNotaryKey(text: string): KeyObject | undefined {
  const bytes = tryBase64(text);
  if (bytes?.length !== 32) return undefined;
  const x = Buffer.from(bytes).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** True when the notary of that key made the statement. Never throws. */
export function isSignedBy(statement: Statement, key: KeyObject): boolean {
  const signature = tryBase64(statement.signature);
  return signature?.length === 64 && verify(null, statementText(statement), key, signature);
}

function tryBase64(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}
