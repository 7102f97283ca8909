import { decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { expect, it } from "vitest";
import { exportKey, importKey, makeKey } from "../src/index.ts";
import { makeProof } from "../src/proof.ts";

it.each(["ES256", "EdDSA"] as const)(
  "a key for %s survives export and import and still signs proofs",
  async (algorithm) => {
    const made = await makeKey(algorithm);
    const key = await importKey(JSON.parse(JSON.stringify(await exportKey(made))));
    expect(key.thumbprint).toBe(made.thumbprint);
    const proof = await makeProof(key, {
      method: "POST",
      url: "https://keys.test/v1/credentials",
      now: 1_764_000_000_000,
    });
    const { payload } = await jwtVerify(proof, await importJWK(made.publicJwk, algorithm));
    expect(payload).toMatchObject({ htm: "POST", htu: "https://keys.test/v1/credentials", iat: 1_764_000_000 });
    expect(payload).not.toHaveProperty("nonce");
    expect(payload).not.toHaveProperty("ath");
  },
);

it("a proof never shows the private key", async () => {
  const key = await makeKey();
  const header = decodeProtectedHeader(await makeProof(key, { method: "GET", url: "https://keys.test/", now: 0 }));
  expect(Object.keys(header.jwk!).toSorted()).toEqual(["crv", "kty", "x", "y"]);
});

// RFC 8037 appendix A.1 and A.3.
it("the thumbprint of an Ed25519 key is that of RFC 8037", async () => {
  const key = await importKey({
    kty: "OKP",
    crv: "Ed25519",
    d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  });
  expect(key.thumbprint).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

// RFC 9449 section 7: the token of figure 12 and its hash.
it("the token hash in a proof is that of RFC 9449", async () => {
  const proof = await makeProof(await makeKey(), {
    method: "GET",
    url: "https://resource.example.org/protectedresource",
    accessToken: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
    now: 0,
  });
  const payload = JSON.parse(Buffer.from(proof.split(".")[1]!, "base64url").toString());
  expect(payload.ath).toBe("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
});

it.each([
  ["nothing", undefined],
  ["a public key", { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }],
  ["another curve", { kty: "EC", crv: "P-384", x: "AA", y: "AA", d: "AA" }],
  ["a point that is on no curve", { kty: "EC", crv: "P-256", x: "AA", y: "AA", d: "AA" }],
])("%s is refused as a key", async (_, jwk) => {
  await expect(importKey(jwk)).rejects.toMatchObject({ code: "ERR_CONFIG_PROFILE" });
});
