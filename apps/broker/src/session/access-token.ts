import { hash } from "node:crypto";
import { AgentKeysError, newIdentifier } from "@agentkeys/core";
import * as v from "valibot";
import type { BrokerKeys } from "../keys/keys.ts";
import { BoundedMap } from "./bounded-map.ts";
import { verifyES256 } from "./es256.ts";
import { formatHeader, parseHeader, parseJws, parseObjectPart, signJws } from "./jws.ts";

/** Lifetime of an access token, in seconds. */
export const accessTokenLifetime = 600;

const mostRemembered = 10_000;

/** Who a token is for and what it is bound to. */
export interface AccessTokenAsk {
  /** `agent:<agt_…>` or `account:<OmniAccount>`. */
  readonly subject: string;
  readonly clientId: string;
  /** Id of the session (`ses_…`). */
  readonly sessionId: string;
  /** Thumbprint of the client's key. */
  readonly thumbprint: string;
  /** Unix seconds of the last sign-in ceremony (RFC 9470). A person's alone. */
  readonly authTime?: number | undefined;
  /** Authentication method references (RFC 8176). A person's alone. */
  readonly amr?: readonly string[] | undefined;
  /** Id of the token (`jti_…`); a new one without it. */
  readonly tokenId?: string | undefined;
}

/** What a verified token says. Times are Unix seconds. */
export interface AccessTokenClaims extends AccessTokenAsk {
  readonly tokenId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Signs and verifies access tokens of the JWT profile (RFC 9068), bound to a key by DPoP (RFC 9449 section 6). */
export interface AccessTokens {
  sign(ask: AccessTokenAsk): { readonly token: string; readonly expiresIn: number; readonly claims: AccessTokenClaims };
  /**
   * Answers what a token of ours says. It does not say whether the session still lives. Throws ERR_SESSION_TOKEN for any other token,
   * and for one that has expired.
   */
  verify(token: string): AccessTokenClaims;
  /** What a token said when it was signed or verified before, as far as that is remembered: no signature is looked at. */
  known(token: string): AccessTokenClaims | undefined;
}

/** What access tokens are made with. */
export interface AccessTokensOptions {
  readonly keys: Pick<BrokerKeys, "accessToken" | "live">;
  /** The broker's public URL: issuer and audience. */
  readonly issuer: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
}

/**
 * Makes the signer; it signs with the key that is current then. A token is verified once, then known by its hash, among the last 10,000; its expiry is checked each time.
 */
export function createAccessTokens({ keys, issuer, now, random }: AccessTokensOptions): AccessTokens {
  const headerOf = (kid: string): string => formatHeader({ typ: "at+jwt", alg: "ES256", kid });
  const payloadSchema = payloadOf(issuer);
  const verified = new BoundedMap<string, AccessTokenClaims>(mostRemembered);

  const readToken = (token: string): AccessTokenClaims => {
    const jws = parseJws(token);
    const header = parseHeader(jws.headerText, {
      typ: "at+jwt",
      algorithms: ["ES256"],
      members: ["typ", "alg", "kid"],
    });
    // Keys of this purpose alone: a workload token is signed by ours too, and is no access token.
    const key = keys.live("access-token").find(({ kid }) => kid === header["kid"]);
    if (key === undefined) throw new SyntaxError("kid is not ours");
    if (!verifyES256(jws.signingInput, key.publicKey, jws.signature))
      throw new SyntaxError("the signature is not ours");
    const parsed = v.safeParse(payloadSchema, parseObjectPart(jws.payloadText, "payload"));
    if (!parsed.success) throw new SyntaxError("the claims are not those of an access token");
    return Object.freeze(parsed.output);
  };

  return {
    sign: (ask) => {
      const issuedAt = Math.floor(now() / 1000);
      const claims: AccessTokenClaims = Object.freeze({
        ...ask,
        tokenId: ask.tokenId ?? newIdentifier("jti", random(16)),
        issuedAt,
        expiresAt: issuedAt + accessTokenLifetime,
      });
      const { kid, privateKey } = keys.accessToken;
      const token = signJws(headerOf(kid), writePayload(issuer, claims), privateKey);
      // What we have just signed need not be verified.
      verified.set(hash("sha256", token, "base64url"), claims);
      return { token, expiresIn: accessTokenLifetime, claims };
    },
    verify: (token) => {
      const name = hash("sha256", token, "base64url");
      const claims = verified.get(name) ?? readOrRefuse(() => readToken(token));
      if (now() >= claims.expiresAt * 1000) throw refuse("it has expired");
      verified.set(name, claims);
      return claims;
    },
    known: (token) => verified.get(hash("sha256", token, "base64url")),
  };
}

function writePayload(issuer: string, claims: AccessTokenClaims): object {
  return {
    iss: issuer,
    aud: issuer,
    sub: claims.subject,
    client_id: claims.clientId,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    jti: claims.tokenId,
    sid: claims.sessionId,
    cnf: { jkt: claims.thumbprint },
    auth_time: claims.authTime,
    amr: claims.amr,
  };
}

function payloadOf(issuer: string) {
  const seconds = v.pipe(v.number(), v.safeInteger());
  return v.pipe(
    v.strictObject({
      iss: v.literal(issuer),
      aud: v.literal(issuer),
      sub: v.string(),
      client_id: v.string(),
      iat: seconds,
      exp: seconds,
      jti: v.string(),
      sid: v.string(),
      cnf: v.strictObject({ jkt: v.string() }),
      auth_time: v.optional(seconds),
      amr: v.optional(v.array(v.string())),
    }),
    v.transform((payload): AccessTokenClaims => ({
      subject: payload.sub,
      clientId: payload.client_id,
      sessionId: payload.sid,
      thumbprint: payload.cnf.jkt,
      authTime: payload.auth_time,
      amr: payload.amr,
      tokenId: payload.jti,
      issuedAt: payload.iat,
      expiresAt: payload.exp,
    })),
  );
}

function readOrRefuse<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof SyntaxError) throw refuse(fault.message);
    throw fault;
  }
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_SESSION_TOKEN", reason, {});
}
