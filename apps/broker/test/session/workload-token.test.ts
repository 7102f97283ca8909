import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openKeys, type BrokerKeys } from "../../src/keys/keys.ts";
import { createWorkloadTokens } from "../../src/session/workload-token.ts";
import vectors from "../../../../test/vectors/agentkeys-v1.json" with { type: "json" };

const issuer = "https://keys.example";
const vector = vectors.subjects.find(({ token }) => token === "workload token")!;
const ask = {
  audience: "https://api.example.com",
  tokenId: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
  issuedAt: 1_764_000_000,
  expiresAt: 1_764_000_600,
  account: "13a0b67dbeaa1671fac74357f2c5dbb96133da8709dfe0b00059dadd00e4e2be",
  agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
  grant: "grn_1",
  record: "019ab697-e889-7247-8ab1-39892cbcf3fc",
};
let folder: string;
let keys: BrokerKeys;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "workload-token-"));
  keys = await openKeys(folder, { rs256: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each(["ES256", "RS256"] as const)(
  "any relying party verifies an %s token by the JWK Set, and finds account, agent, grant and record in it",
  async (algorithm) => {
    const token = createWorkloadTokens({ keys, issuer }).sign({ ...ask, algorithm });
    const set = createLocalJWKSet({ keys: keys.jwks().keys.map((key) => ({ ...key })) });
    const { payload, protectedHeader } = await jwtVerify(token, set, {
      issuer,
      audience: ask.audience,
      currentDate: new Date(ask.issuedAt * 1000),
    });
    const key = algorithm === "ES256" ? keys.workload : keys.workloadRs256;
    expect(protectedHeader).toStrictEqual({ typ: vector.typ, alg: algorithm, kid: key?.kid });
    expect(payload).toStrictEqual({
      iss: issuer,
      sub: vector.sub,
      aud: ask.audience,
      iat: ask.issuedAt,
      exp: ask.expiresAt,
      jti: ask.tokenId,
      agentkeys: { account: ask.account, agent: ask.agent, grant: ask.grant, record: ask.record },
    });
  },
);

test("the same ask is the same claims, and nbf stands there where it was asked", () => {
  const tokens = createWorkloadTokens({ keys, issuer });
  const claims = (notBefore?: number): unknown => decodeJwt(tokens.sign({ ...ask, algorithm: "ES256", notBefore }));
  expect(claims()).toStrictEqual(claims());
  expect(claims(ask.issuedAt + 5)).toMatchObject({ nbf: ask.issuedAt + 5 });
});

test("an algorithm without a key is an error and no token", () => {
  const tokens = createWorkloadTokens({ keys: { workload: keys.workload, workloadRs256: undefined }, issuer });
  expect(() => tokens.sign({ ...ask, algorithm: "RS256" })).toThrow(expect.objectContaining({ code: "ERR_INTERNAL" }));
});
