import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openKeys, type BrokerKeys } from "../../src/keys/keys.ts";
import { createAccessTokens, type AccessTokens } from "../../src/session/access-token.ts";
import { createWorkloadTokens } from "../../src/session/workload-token.ts";
import vectors from "../../../../test/vectors/agentkeys-v1.json" with { type: "json" };
import { assembleProof, signRaw } from "./dpop-client.ts";

const issuer = "https://keys.example";
const agentSubject = vectors.subjects.find(({ token }) => token === "access token of an agent")!;
const personSubject = vectors.subjects.find(({ token }) => token === "access token of a person")!;
const ask = {
  subject: agentSubject.sub,
  clientId: "agentkeys",
  sessionId: "ses_2n5fk3v7q4x6y8z1b9c0d2e4f6",
  thumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
};
let folder: string;
let keys: BrokerKeys;
let time: number;
let tokens: AccessTokens;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "access-token-"));
  keys = await openKeys(folder, { rs256: true });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  time = 1_764_000_000_500;
  tokens = createAccessTokens({ keys, issuer, now: () => time, random: (size) => randomBytes(size) });
});

/** Claims of a good token with some replaced, signed with a key under a header of the test's own. */
async function forge(
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
  key = keys.accessToken.privateKey,
): Promise<string> {
  return new SignJWT({ ...decodeJwt(tokens.sign(ask).token), ...claims })
    .setProtectedHeader({ typ: "at+jwt", alg: "ES256", kid: keys.accessToken.kid, ...header })
    .sign(key);
}
const refused = expect.objectContaining({ code: "ERR_SESSION_TOKEN" });

describe("signing", () => {
  test("RFC 9068 section 2: another library finds every required claim, and the key binding of RFC 9449 section 6.1", async () => {
    const { token, expiresIn } = tokens.sign(ask);
    const set = createLocalJWKSet({ keys: keys.jwks().keys.map((key) => ({ ...key })) });
    const options = { issuer, audience: issuer, typ: "at+jwt", currentDate: new Date(time) };
    const { payload, protectedHeader } = await jwtVerify(token, set, options);
    expect(protectedHeader).toStrictEqual({ typ: agentSubject.typ, alg: "ES256", kid: keys.accessToken.kid });
    expect(payload).toStrictEqual({
      iss: issuer,
      aud: issuer,
      sub: agentSubject.sub,
      client_id: "agentkeys",
      iat: 1_764_000_000,
      exp: 1_764_000_600,
      jti: expect.stringMatching(/^jti_[0-9a-hjkmnp-tv-z]{26}$/u),
      sid: ask.sessionId,
      cnf: { jkt: ask.thumbprint },
    });
    expect(expiresIn).toBe(600);
  });

  test("a person's token says when and how they signed in", () => {
    const person = { ...ask, subject: personSubject.sub, authTime: 1_763_999_990, amr: ["swk"] };
    const { token, claims } = tokens.sign(person);
    expect(decodeJwt(token)).toMatchObject({ sub: personSubject.sub, auth_time: 1_763_999_990, amr: ["swk"] });
    expect(tokens.verify(token)).toStrictEqual(claims);
    expect(claims).toMatchObject(person);
  });
});

describe("verifying", () => {
  test("what was signed here verifies, also after another boot with the same keys", () => {
    const { token, claims } = tokens.sign(ask);
    const later = createAccessTokens({ keys, issuer, now: () => time, random: (size) => randomBytes(size) });
    for (const one of [tokens, later]) expect(one.verify(token)).toMatchObject(claims);
  });

  test("a token is good up to the instant it expires, remembered or not", () => {
    const { token } = tokens.sign(ask);
    time = 1_764_000_599_999;
    expect(tokens.verify(token).expiresAt).toBe(1_764_000_600);
    time += 1;
    expect(() => tokens.verify(token)).toThrow(refused);
    const forgetful = createAccessTokens({ keys, issuer, now: () => time, random: (size) => randomBytes(size) });
    expect(() => forgetful.verify(token)).toThrow(refused);
  });

  test("a workload token, and a token signed by any other key, is none", async () => {
    const workload = createWorkloadTokens({ keys, issuer }).sign({
      algorithm: "ES256",
      audience: issuer,
      tokenId: "jti_1",
      issuedAt: 1_764_000_000,
      expiresAt: 1_764_000_600,
      account: "a",
      agent: "agt_1",
      grant: "grn_1",
      record: "r",
    });
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const others = [
      workload,
      await forge({}, {}, keys.workload.privateKey),
      await forge({}, { kid: keys.workload.kid }, keys.workload.privateKey),
      await forge({}, {}, stranger),
      await forge({}, { kid: "k" }),
      await forge({}, { kid: undefined }),
    ];
    for (const token of others) expect(() => tokens.verify(token), token).toThrow(refused);
    expect(tokens.verify(await forge({})).subject).toBe(ask.subject);
  });

  test("alg none, HS256 with the public key as secret, another typ and crit are refused", async () => {
    const claims = decodeJwt(tokens.sign(ask).token);
    const { kid, publicKey, privateKey } = keys.accessToken;
    const secret = publicKey.export({ type: "spki", format: "pem" });
    const base = { typ: "at+jwt", alg: "ES256", kid };
    const hmac = (input: Buffer): Uint8Array => createHmac("sha256", secret).update(input).digest();
    const others = [
      assembleProof({ ...base, alg: "none" }, claims, () => Buffer.alloc(0)),
      assembleProof({ ...base, alg: "HS256" }, claims, hmac),
      assembleProof({ ...base, typ: "JWT" }, claims, signRaw(privateKey)),
      assembleProof({ ...base, typ: "application/at+jwt" }, claims, signRaw(privateKey)),
      assembleProof({ ...base, typ: undefined }, claims, signRaw(privateKey)),
      assembleProof({ ...base, crit: ["exp"] }, claims, signRaw(privateKey)),
    ];
    for (const token of others) expect(() => tokens.verify(token), token).toThrow(refused);
    expect(tokens.verify(assembleProof(base, claims, signRaw(privateKey))).subject).toBe(ask.subject);
  });

  test("claims of another issuer, audience or shape are refused", async () => {
    const changes: readonly Readonly<Record<string, unknown>>[] = [
      { iss: "https://evil.example" },
      { aud: "https://evil.example" },
      { aud: [issuer] },
      { aud: `${issuer}/` },
      { exp: "1764000600" },
      { exp: undefined },
      { exp: 1e20 },
      { cnf: undefined },
      { cnf: { jkt: 7 } },
      { cnf: {} },
      { sub: undefined },
      { sid: undefined },
      { scope: "everything" },
    ];
    for (const change of changes) {
      const token = await forge(change);
      expect(() => tokens.verify(token), JSON.stringify(change)).toThrow(refused);
    }
  });

  test("what is no JWS of ours is refused the same way", () => {
    const { token } = tokens.sign(ask);
    for (const text of [
      "",
      "x",
      "a.b.c",
      `${token}=`,
      ` ${token}`,
      `${token}.x`,
      token.slice(0, -1),
      "x".repeat(9000),
    ]) {
      expect(() => tokens.verify(text), text.slice(0, 20)).toThrow(refused);
    }
  });
});

test("an access token and a workload token look different", () => {
  const { token } = tokens.sign(ask);
  expect(decodeProtectedHeader(token).typ).toBe("at+jwt");
  expect(decodeJwt(token).sub).not.toMatch(/^agentkeys:/u);
});
