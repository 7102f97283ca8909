import { generateKeyPairSync, verify } from "node:crypto";
import type { Credential } from "@agentkeys/core";
import { type CredentialContents, issuerCases, type IssuerFixture, registerConformance } from "@agentkeys/testkit";
import { it } from "vitest";
import plugin from "../src/index.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");

/** Reads a token as the service does: by the public key, its audience and its type. */
function read({ value }: Credential): CredentialContents {
  const token = String(value);
  const [header = "", payload = "", signature = ""] = token.split(".");
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify(null, signed, publicKey, Buffer.from(signature, "base64url"))) throw new Error("the signature is false");
  const [{ alg, typ }, claims] = [header, payload].map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  if (alg !== "EdDSA" || typ !== "service+jwt" || claims.aud !== "https://api.example.com")
    throw new Error("it is another token");
  const { actions, resources, jti, exp } = claims;
  return { scope: { actions, resources }, id: jti, expiresAt: exp, secrets: [token, signature] };
}

const scopeText = (actions: readonly string[], ...resources: readonly string[]): string =>
  JSON.stringify({ actions, resources });

registerConformance({ it }, issuerCases, async (): Promise<IssuerFixture> => ({
  plugin,
  config: { audience: "https://api.example.com", signing_key: { file: "secrets/signing-key.pem" } },
  host: { secrets: { "secrets/signing-key.pem": String(privateKey.export({ format: "pem", type: "pkcs8" })) } },
  accepts: [scopeText(["read"], "reports/2026"), scopeText(["read", "write"], "notes/a", "notes/b")],
  refuses: [scopeText(["*"], "reports/2026"), scopeText(["read"], "reports/*/2026"), scopeText(["read"], "*")],
  read,
}));
