import { hash } from "node:crypto";
import { AgentKeysError } from "@agentkeys/core";
import { BoundedMap } from "./bounded-map.ts";
import { parseJws, parseObjectPart, type ParsedJws } from "./jws.ts";
import type { Nonces } from "./nonces.ts";
import { parseProofKey, type ProofKey } from "./proof-key.ts";
import { normalizeUri } from "./uri.ts";

/** A proof and the request it came with. */
export interface ProofCheck {
  /** The `DPoP` header. */
  readonly proof: string | undefined;
  readonly method: string;
  /** Path of the request, from the slash on; a query is ignored. */
  readonly path: string;
  /** The access token sent beside it; the proof must name its hash. */
  readonly accessToken?: string | undefined;
  /** The thumbprint a token, code or challenge is bound to. */
  readonly expectedThumbprint?: string | undefined;
}

/** Checks DPoP proofs (RFC 9449 section 4.3). */
export interface DpopVerifier {
  /**
   * Answers the thumbprint of the key that made the proof, each proof once. Throws ERR_SESSION_NONCE when all is well but the
   * nonce is missing or no longer live, ERR_SESSION_DPOP with the reason for anything else.
   */
  verify(check: ProofCheck): { readonly thumbprint: string };
}

/** What a verifier is made with. */
export interface DpopOptions {
  /** The broker's public URL without a final slash. */
  readonly publicUrl: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly nonces: Nonces;
}

/** How far a proof's `iat` may be from now, in seconds. */
const mostClockDifference = 300;

const mostHeaderCharacters = 1024;
const mostKeys = 4096;

/**
 * Makes the verifier. It keeps the keys of the last 4,096 clients by the text of the header they stand in, of which the key is a pure
 * function; it remembers proofs through `nonces`.
 */
export function createDpopVerifier({ publicUrl, now, nonces }: DpopOptions): DpopVerifier {
  const keys = new BoundedMap<string, ProofKey>(mostKeys);
  const isForUrl = (htu: unknown, path: string): boolean => {
    if (typeof htu !== "string") return false;
    const url = `${publicUrl}${path}`;
    return htu === url || (normalizeUri(htu) ?? "") === normalizeUri(url);
  };

  return {
    verify: ({ proof, method, path, accessToken, expectedThumbprint }) => {
      if (proof === undefined || proof === "") throw refuse("there is no DPoP header");
      const { jws, key, payload } = readProof(proof, keys);
      const { jti, htm, htu, iat, ath, nonce } = payload;
      if (typeof jti !== "string" || jti === "" || jti.length > 128) throw refuse("jti is not 1 to 128 characters");
      if (htm !== method) throw refuse(`htm is not ${method}`);
      if (!isForUrl(htu, path)) throw refuse("htu is not the URL of the request");
      if (typeof iat !== "number" || !(Math.abs(now() / 1000 - iat) <= mostClockDifference)) {
        throw refuse(`iat is not within ${mostClockDifference} seconds of this clock`);
      }
      if (accessToken !== undefined && ath !== hash("sha256", accessToken, "base64url")) {
        throw refuse("ath is not the hash of the access token");
      }
      if (expectedThumbprint !== undefined && key.thumbprint !== expectedThumbprint) {
        throw refuse("the key is not the one this is bound to");
      }
      if (typeof nonce !== "string" || !nonces.isLive(nonce)) throw staleNonce();
      if (!key.verify(jws.signingInput, jws.signature)) throw refuse("the signature does not verify");
      keys.set(jws.headerText, key);
      // Only now: a proof that nobody signed must not use up the id of one that somebody did.
      const spending = nonces.spend(nonce, `${key.thumbprint}.${jti}`);
      if (spending === "replayed") throw refuse("the proof was used before");
      if (spending === "stale") throw staleNonce();
      return { thumbprint: key.thumbprint };
    },
  };
}

function readProof(
  proof: string,
  keys: BoundedMap<string, ProofKey>,
): { readonly jws: ParsedJws; readonly key: ProofKey; readonly payload: ReturnType<typeof parseObjectPart> } {
  try {
    const jws = parseJws(proof);
    if (jws.headerText.length > mostHeaderCharacters) throw new SyntaxError("the header is too long");
    const key = keys.get(jws.headerText) ?? parseProofKey(jws.headerText);
    return { jws, key, payload: parseObjectPart(jws.payloadText, "payload") };
  } catch (fault) {
    if (fault instanceof SyntaxError) throw refuse(fault.message);
    throw fault;
  }
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_SESSION_DPOP", reason, { reason });
}

function staleNonce(): AgentKeysError {
  return new AgentKeysError("ERR_SESSION_NONCE", "the proof needs the newest nonce", {});
}
