import { createPrivateKey } from "node:crypto";
import { expect, it } from "vitest";
import { keyId, parseSigningKey, signJws } from "../src/signed-token.ts";

const key = createPrivateKey({
  key: {
    kty: "OKP",
    crv: "Ed25519",
    d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  },
  format: "jwk",
});

it("signs as RFC 8037 appendix A.4 does", () => {
  expect(signJws({ alg: "EdDSA" }, "Example of Ed25519 signing", key)).toBe(
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
  );
});

it("names the key as RFC 8037 appendix A.3 does", () => {
  expect(keyId(key)).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

it("reads an Ed25519 key and nothing else", () => {
  expect(parseSigningKey(String(key.export({ format: "pem", type: "pkcs8" })))?.asymmetricKeyType).toBe("ed25519");
  expect(parseSigningKey("no key")).toBeUndefined();
});
