import { generateKeyPairSync } from "node:crypto";
import type { IssueOrder, Scope } from "@agentkeys/core";
import { createCall, createFakeHost } from "@agentkeys/testkit";
import { expect, it } from "vitest";
import plugin from "../src/index.ts";

const section = { audience: "https://api.example.com", signing_key: { file: "key.pem" } };

const pemOf = (type: "ed25519" | "x25519"): string => {
  const { privateKey } = type === "ed25519" ? generateKeyPairSync(type) : generateKeyPairSync(type);
  return String(privateKey.export({ format: "pem", type: "pkcs8" }));
};

it("lets a grant hold a pattern, and issues for what it contains alone", async () => {
  const host = createFakeHost({ secrets: { "key.pem": pemOf("ed25519") } });
  const issuer = await plugin.create(section, host);
  const scope: Scope = issuer.parseScope('{"actions":["read"],"resources":["reports/*"]}');
  const now = host.now() / 1000;
  const order: IssueOrder = {
    record: "0190d0a0-0000-7000-8000-000000000000",
    account: "ad".repeat(32),
    agent: "agt_00000000000000000000000000",
    grant: "grn_00000000000000000000000000",
    credentialId: "jti_00000000000000000000000000",
    scope,
    issuedAt: now,
    expiresAt: now + 60,
    identityToken: undefined,
  };
  await expect(issuer.issue(order, createCall(host))).rejects.toMatchObject({ code: "ERR_GRANT_SCOPE" });
  const narrow = { ...order, scope: { actions: ["read"], resources: ["reports/2026"] } };
  expect(await issuer.issue(narrow, createCall(host))).toMatchObject({ type: "jwt", expiresAt: now + 60 });
});

it("says at once that a key is not of its kind", async () => {
  const host = createFakeHost({ secrets: { "key.pem": pemOf("x25519") } });
  await expect(plugin.create(section, host)).rejects.toMatchObject({ code: "ERR_CONFIG_SECRET" });
});
