import { newRecordId, type CredentialIssuer, type IssueOrder } from "@agentkeys/core";
import { createFakeHost, createIdentityTokens, type FakeHost, type IdentityTokens } from "@agentkeys/testkit";
import aws from "../../src/index.ts";
import { parseRole } from "../../src/role.ts";
import { startFakeSts, type FakeSts } from "./fake-sts.ts";

export const roleArn = "arn:aws:iam::123456789012:role/service/agents";

/** The host's maker of identity tokens, with real keys. */
export const tokens: IdentityTokens = createIdentityTokens();

/** A scope's text as core writes it, of lists in order. */
export function scopeText(actions: readonly string[], resources: readonly string[]): string {
  return JSON.stringify({ actions, resources });
}

export const reading: string = scopeText(["s3:GetObject"], ["arn:aws:s3:::reports/2026/*"]);

/** The plug-in, opened as the broker opens it, before a fake STS. */
export async function openIssuer(
  section: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly issuer: CredentialIssuer; readonly host: FakeHost; readonly sts: FakeSts }> {
  const host = createFakeHost({ name: "aws" });
  const sts = await startFakeSts(parseRole(roleArn)!, tokens, () => host.now());
  const whole = { role_arn: roleArn, region: "eu-central-1", sts_endpoint: sts.endpoint, ...section };
  const checked = await aws.config["~standard"].validate(whole);
  if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  return { issuer: await aws.create(checked.value, host), host, sts };
}

/** An order as the broker makes it after the intent, with the token that the issuer asks for. */
export function makeOrder(issuer: CredentialIssuer, host: FakeHost, change: Partial<IssueOrder> = {}): IssueOrder {
  const scope = issuer.parseScope(reading);
  const issuedAt = host.now() / 1000;
  const order = {
    record: newRecordId(host.now(), host.random(10)),
    account: "ad".repeat(32),
    agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
    grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
    scope,
    credentialId: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
    issuedAt,
    expiresAt: issuedAt + 3600,
  };
  const ask = issuer.identityToken(scope)!;
  return { ...order, identityToken: tokens.make(ask, order), ...change };
}
