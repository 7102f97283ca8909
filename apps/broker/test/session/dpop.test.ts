import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { calculateJwkThumbprint, type JWK } from "jose";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDpopVerifier, type DpopVerifier, type ProofCheck } from "../../src/session/dpop.ts";
import { parseJws } from "../../src/session/jws.ts";
import { createNonces, type Nonces } from "../../src/session/nonces.ts";
import { parseProofKey } from "../../src/session/proof-key.ts";
import {
  assembleProof,
  hashToken,
  makeClientKey,
  proofPayload,
  signProof,
  signRaw,
  type ClientKey,
  type ProofChange,
} from "./dpop-client.ts";

let time: number;
let nonces: Nonces;
let verifier: DpopVerifier;
let key: ClientKey;
const publicUrl = "https://keys.example";
const request = { method: "POST", path: "/v1/credentials" };
const seconds = (): number => Math.floor(time / 1000);
const payload = (): Record<string, unknown> => proofPayload(seconds(), nonces.current());
const prove = (change?: ProofChange): Promise<string> => signProof(key, payload(), change);
const outcome = (proof: string | undefined, check: Partial<ProofCheck> = {}): string => {
  try {
    verifier.verify({ proof, ...request, ...check });
    return "ok";
  } catch (error) {
    const { code, facts } = error as { code: string; facts: { reason?: string } };
    return facts.reason === undefined ? code : `${code}: ${facts.reason}`;
  }
};

beforeAll(async () => {
  key = await makeClientKey();
});
beforeEach(() => {
  time = 1_764_000_000_000;
  nonces = createNonces({ now: () => time, random: (size) => randomBytes(size) });
  verifier = createDpopVerifier({ publicUrl, now: () => time, nonces });
});

describe("a proof that holds", () => {
  test("it answers the thumbprint of its key, for ES256 and for EdDSA", async () => {
    for (const alg of ["ES256", "EdDSA"] as const) {
      const client = await makeClientKey(alg);
      for (let round = 0; round < 3; round++) {
        const proof = await signProof(client, payload());
        const found = verifier.verify({ proof, ...request });
        expect(found.thumbprint).toBe(await calculateJwkThumbprint(client.jwk));
      }
    }
  });

  test("it may carry public key metadata and claims that say nothing here", async () => {
    const jwk = { ...key.jwk, kid: "1", use: "sig", alg: "ES256", key_ops: ["verify"], ext: true };
    expect(outcome(await prove({ header: { jwk }, payload: { purpose: "x" } }))).toBe("ok");
  });

  test("iat may be 300 seconds off either way, and no more", async () => {
    for (const [offset, holds] of [
      [-300, true],
      [300, true],
      [-301, false],
      [301, false],
    ] as const) {
      const result = outcome(await prove({ payload: { iat: seconds() + offset } }));
      expect(result === "ok", String(offset)).toBe(holds);
    }
  });
});

describe("bound to the request", () => {
  test("another method or URL is refused", async () => {
    const proof = await prove();
    expect(outcome(proof, { method: "GET" })).toContain("htm");
    expect(outcome(proof, { method: "post" })).toContain("htm");
    for (const path of ["/v1/credential", "/v1/credentials/", "/V1/credentials", "/", "/v1/credentials/x"]) {
      expect(outcome(proof, { path }), path).toContain("htu");
    }
    expect(outcome(proof)).toBe("ok");
  });

  test("htu is compared after RFC 3986 normalization, without query and fragment", async () => {
    const same = [
      "HTTPS://KEYS.example:443/v1/credentials",
      "https://keys.example/v1/./x/../credentials",
      "https://keys.example/v1/%63redentials?a=b#c",
    ];
    for (const htu of same) expect(outcome(await prove({ payload: { htu } })), htu).toBe("ok");
    const other = [
      "https://keys.example.evil/v1/credentials",
      "https://evil.example/v1/credentials",
      "http://keys.example/v1/credentials",
      "https://keys.example:8443/v1/credentials",
      "https://keys.example/v1%2Fcredentials",
      "https://user@keys.example/v1/credentials",
      "/v1/credentials",
      "",
      7,
      undefined,
    ];
    for (const htu of other) expect(outcome(await prove({ payload: { htu } })), String(htu)).toContain("htu");
    expect(outcome(await prove(), { path: "/v1/credentials?unsigned=1" })).toBe("ok");
  });

  test("the access token beside it must be the one it names", async () => {
    const accessToken = "header.payload.signature";
    expect(outcome(await prove({ payload: { ath: hashToken(accessToken) } }), { accessToken })).toBe("ok");
    for (const ath of [undefined, "", hashToken("another"), accessToken, `${hashToken(accessToken)}=`]) {
      expect(outcome(await prove({ payload: { ath } }), { accessToken }), String(ath)).toContain("ath");
    }
  });

  test("the key must be the one that is expected", async () => {
    const expectedThumbprint = await calculateJwkThumbprint(key.jwk);
    expect(outcome(await prove(), { expectedThumbprint })).toBe("ok");
    const stranger = await makeClientKey();
    expect(outcome(await signProof(stranger, payload()), { expectedThumbprint })).toContain("bound to");
  });
});

describe("nonces", () => {
  test("none, a stale one or a part of one is ERR_SESSION_NONCE; the current and the one before are taken", async () => {
    const first = nonces.current();
    expect(outcome(await prove({ payload: { nonce: undefined } }))).toBe("ERR_SESSION_NONCE");
    for (const nonce of ["", first.slice(1), first.slice(0, -1), `${first}${first}`, 7, null, [first]]) {
      expect(outcome(await prove({ payload: { nonce } })), String(nonce)).toBe("ERR_SESSION_NONCE");
    }
    time += 120_000;
    nonces.current();
    expect(outcome(await prove({ payload: { nonce: first } }))).toBe("ok");
    time += 120_000;
    expect(outcome(await prove({ payload: { nonce: first } }))).toBe("ERR_SESSION_NONCE");
  });
});

describe("once", () => {
  test("a proof is taken once, in its window and the next", async () => {
    const proof = await prove();
    expect(outcome(proof)).toBe("ok");
    expect(outcome(proof)).toContain("used before");
    time += 120_000;
    expect(outcome(proof)).toContain("used before");
  });

  test("the same jti in another proof of the key is refused, and is another client's own affair", async () => {
    expect(outcome(await prove({ payload: { jti: "1" } }))).toBe("ok");
    expect(outcome(await prove({ payload: { jti: "1", more: true } }))).toContain("used before");
    expect(outcome(await signProof(await makeClientKey(), { ...payload(), jti: "1" }))).toBe("ok");
  });

  test("a jti is recorded only after its signature has verified", async () => {
    const proof = await prove({ payload: { jti: "mine" } });
    const forged = `${proof.slice(0, -86)}${Buffer.alloc(64, 1).toString("base64url")}`;
    expect(outcome(forged)).toContain("signature");
    expect(outcome(proof)).toBe("ok");
  });

  test("jti is 1 to 128 characters", async () => {
    for (const jti of ["", "j".repeat(129), undefined, 7, null]) {
      expect(outcome(await prove({ payload: { jti } })), String(jti)).toContain("jti");
    }
    expect(outcome(await prove({ payload: { jti: "j".repeat(128) } }))).toBe("ok");
  });
});

describe("the header", () => {
  test("alg none, HS256 with the public key as secret, and every other algorithm is refused", async () => {
    const secret = Buffer.from(JSON.stringify(key.jwk));
    const signatures = {
      none: () => Buffer.alloc(0),
      HS256: (input: Buffer) => createHmac("sha256", secret).update(input).digest(),
      ES384: () => Buffer.alloc(96, 1),
      RS256: () => Buffer.alloc(256, 1),
    };
    for (const [alg, signature] of Object.entries(signatures)) {
      const proof = assembleProof({ typ: "dpop+jwt", alg, jwk: key.jwk }, payload(), signature);
      expect(outcome(proof), alg).toContain("alg is not one of");
    }
  });

  test("a jwk without kty, of another kind than alg, private, or off its curve is refused", async () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const edwards = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
    const cases: readonly (readonly [string, unknown, string])[] = [
      ["without kty", { crv: jwk.crv, x: jwk.x, y: jwk.y }, "kty"],
      ["kty oct", { kty: "oct", k: "AA" }, "private or unknown"],
      ["kty RSA", { ...jwk, kty: "RSA" }, "kty"],
      ["an Ed25519 key under ES256", edwards, "kty"],
      ["private", pair.privateKey.export({ format: "jwk" }), "private"],
      ["unknown member", { ...jwk, x5c: [] }, "unknown"],
      ["another curve", { ...jwk, crv: "P-384" }, "crv"],
      ["without y", { ...jwk, y: undefined }, "y is not"],
      ["padded", { ...jwk, x: `${String(jwk.x)}=` }, "x is not"],
      ["a short coordinate", { ...jwk, x: String(jwk.x).slice(0, 40) }, "x is not"],
      ["off the curve", { ...jwk, y: jwk.x }, "no point"],
      ["no object", "jwk", "not an object"],
      ["a list", [jwk], "not an object"],
      ["nothing", undefined, "not an object"],
    ];
    for (const [what, bad, reason] of cases) {
      const proof = assembleProof({ typ: "dpop+jwt", alg: "ES256", jwk: bad }, payload(), signRaw(pair.privateKey));
      expect(outcome(proof), what).toContain(reason);
    }
    const good = assembleProof({ typ: "dpop+jwt", alg: "ES256", jwk }, payload(), signRaw(pair.privateKey));
    expect(outcome(good)).toBe("ok");
  });

  test("another typ, a kid in place of the key, and a header without end are refused", async () => {
    expect(outcome(await prove({ header: { typ: "JWT" } }))).toContain("typ");
    expect(outcome(await prove({ header: { kid: "k" } }))).toContain("not taken here");
    expect(outcome(await prove({ header: { jwk: { ...key.jwk, kid: "k".repeat(1000) } } }))).toContain("too long");
  });

  test("no proof, two proofs and no JWS are refused", async () => {
    expect(outcome(undefined)).toContain("no DPoP header");
    expect(outcome("")).toContain("no DPoP header");
    expect(outcome(`${await prove()}, ${await prove()}`)).toContain("three parts");
    expect(outcome("x")).toContain("three parts");
  });
});

test("a change of any one character of a proof makes it fail", async () => {
  const proof = await prove();
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.".split("");
  fc.assert(
    fc.property(fc.nat(proof.length - 1), fc.constantFrom(...alphabet), (at, character) => {
      fc.pre(proof[at] !== character);
      expect(outcome(proof.slice(0, at) + character + proof.slice(at + 1))).not.toBe("ok");
    }),
    { numRuns: 1500 },
  );
  expect(outcome(proof)).toBe("ok");
});

describe("RFC 9449 examples", () => {
  const header =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
  // Sections 4.1 and 7.1.
  const tokenRequest = `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`;
  const resourceRequest = `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`;
  const accessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

  test("both verify under the key of section 6.1", () => {
    for (const proof of [tokenRequest, resourceRequest]) {
      const jws = parseJws(proof);
      const found = parseProofKey(jws.headerText);
      expect(found.thumbprint).toBe("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
      expect(found.verify(jws.signingInput, jws.signature)).toBe(true);
    }
  });

  test("both hold but for the nonce, which is always needed here", () => {
    time = 1_562_262_616_000;
    const at = (url: string): DpopVerifier => createDpopVerifier({ publicUrl: url, now: () => time, nonces });
    expect(() =>
      at("https://server.example.com").verify({ proof: tokenRequest, method: "POST", path: "/token" }),
    ).toThrow(expect.objectContaining({ code: "ERR_SESSION_NONCE" }));
    const resource = { proof: resourceRequest, method: "GET", path: "/protectedresource", accessToken };
    const verify = (check: ProofCheck): unknown => at("https://resource.example.org").verify(check);
    expect(() => verify(resource)).toThrow(expect.objectContaining({ code: "ERR_SESSION_NONCE" }));
    expect(() => verify({ ...resource, accessToken: `${accessToken}x` })).toThrow("ath");
  });
});

test("many keys are known at once, and each proof is checked under its own", async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => makeClientKey()));
  for (const client of clients) expect(outcome(await signProof(client, payload()))).toBe("ok");
  const [first, second] = clients as [ClientKey, ClientKey];
  const swapped: ClientKey = { ...first, jwk: second.jwk satisfies JWK };
  expect(outcome(await signProof(swapped, payload()))).toContain("signature");
});
