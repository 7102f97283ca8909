import { issuerCases, registerConformance, type CredentialContents, type IssuerFixture } from "@agentkeys/testkit";
import { createLocalJWKSet, jwtVerify } from "jose";
import { it } from "vitest";
import oidc from "../src/index.ts";
import { scopeText, tokens } from "./support/order.ts";

/** Reads the credential as a relying party does: by the broker's key set. */
async function read({ value }: { readonly value: unknown }): Promise<CredentialContents> {
  const token = value as string;
  const keys = createLocalJWKSet(tokens.jwks as unknown as Parameters<typeof createLocalJWKSet>[0]);
  const { payload } = await jwtVerify(token, keys, {
    issuer: tokens.issuer,
    typ: "JWT",
    currentDate: new Date(Date.UTC(2026, 0, 1)),
  });
  const { aud, jti = "", exp = Infinity } = payload;
  return {
    scope: { actions: ["token"], resources: [aud].flat() as string[] },
    id: jti,
    expiresAt: exp,
    secrets: [token],
  };
}

async function makeFixture(): Promise<IssuerFixture> {
  return {
    plugin: oidc,
    config: { rs256_audiences: ["https://rs256.example/*", "urn:acme:old"] },
    accepts: [
      "https://api.example.com",
      "https://rs256.example/a",
      "https://api.example.com:8443/v1/?tenant=7",
      "urn:acme:api",
      "urn:acme:old",
      "sts.amazonaws.com",
      "//iam.googleapis.com/projects/1/providers/p",
    ].map((audience) => scopeText(audience)),
    refuses: [
      scopeText("https://a.example", "https://b.example"),
      '{"actions":["read"],"resources":["https://a.example"]}',
      '{"actions":["token","write"],"resources":["https://a.example"]}',
      '{"actions":["*"],"resources":["https://a.example"]}',
      scopeText("*"),
      scopeText("https://*.example"),
      scopeText("https://API.example"),
      scopeText("https://api.example:443"),
      scopeText("https://user@api.example"),
      scopeText("https://api.example#x"),
      scopeText("https:api.example"),
      scopeText("https://api.example\\x"),
      scopeText("an audience"),
      scopeText("a\u200bb"),
      scopeText("12:34"),
    ],
    identityTokens: tokens,
    read,
  };
}

registerConformance({ it }, issuerCases, makeFixture);
