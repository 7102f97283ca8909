import { AgentKeysError } from "@agentkeys/core";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from "jose";

/** The key a session is bound to (DPoP, RFC 9449): P-256 or Ed25519. */
export interface ClientKey {
  readonly algorithm: "ES256" | "EdDSA";
  /** The public members alone, as they stand in a proof. */
  readonly publicJwk: JWK;
  /** RFC 7638 thumbprint (SHA-256, base64url): what a person compares when approving an agent. */
  readonly thumbprint: string;
  readonly privateKey: CryptoKey;
}

/** Makes a key. It can be exported, because a session lives longer than a process. */
export async function makeKey(algorithm: ClientKey["algorithm"] = "ES256"): Promise<ClientKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return importKey(await exportJWK(privateKey));
}

/** The private JWK (RFC 7517): a secret, to be kept with mode 0600 or better. */
export async function exportKey(key: ClientKey): Promise<JWK> {
  return exportJWK(key.privateKey);
}

/** Takes a private JWK of {@link exportKey}. Throws ERR_CONFIG_PROFILE for anything but a private P-256 or Ed25519 key. */
export async function importKey(jwk: unknown): Promise<ClientKey> {
  const { kty, crv, x, y, d } = (jwk ?? {}) as Partial<Record<"kty" | "crv" | "x" | "y" | "d", unknown>>;
  if (typeof x !== "string" || typeof d !== "string") throw refuse();
  const isEdwards = kty === "OKP" && crv === "Ed25519";
  if (!isEdwards && !(kty === "EC" && crv === "P-256" && typeof y === "string")) throw refuse();
  const publicJwk: JWK = isEdwards ? { kty: "OKP", crv: "Ed25519", x } : { kty: "EC", crv: "P-256", x, y: y as string };
  const algorithm = isEdwards ? "EdDSA" : "ES256";
  try {
    const privateKey = await importJWK({ ...publicJwk, d }, algorithm, { extractable: true });
    if (privateKey instanceof Uint8Array) throw refuse();
    return Object.freeze({ algorithm, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk), privateKey });
  } catch (error) {
    throw refuse(error);
  }
}

function refuse(cause?: unknown): AgentKeysError {
  const reason = "the key is not a private P-256 or Ed25519 JWK";
  return new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason }, { cause });
}
