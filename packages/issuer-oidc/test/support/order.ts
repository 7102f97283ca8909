import { isAgentKeysError, newRecordId, type CredentialIssuer, type IssueOrder } from "@agentkeys/core";
import { createFakeHost, createIdentityTokens, type FakeHost, type IdentityTokens } from "@agentkeys/testkit";
import oidc from "../../src/index.ts";

/** The host's maker of identity tokens, with real keys. */
export const tokens: IdentityTokens = createIdentityTokens();

/** The scope text of audiences, as core writes it. */
export function scopeText(...resources: readonly string[]): string {
  return JSON.stringify({ actions: ["token"], resources });
}

/** The plug-in opened as the broker opens it. */
export async function openIssuer(
  section: unknown = {},
): Promise<{ readonly issuer: CredentialIssuer; readonly host: FakeHost }> {
  const checked = await oidc.config["~standard"].validate(section);
  if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  const host = createFakeHost({ name: "oidc" });
  return { issuer: await oidc.create(checked.value, host), host };
}

/** An order as the broker makes it after the record, with the token that the issuer asks for. */
export function makeOrder(issuer: CredentialIssuer, host: FakeHost, audience: string): IssueOrder {
  const scope = issuer.parseScope(scopeText(audience));
  const issuedAt = host.now() / 1000;
  const order = {
    record: newRecordId(host.now(), host.random(10)),
    account: "ad".repeat(32),
    agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
    grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
    scope,
    credentialId: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
    issuedAt,
    expiresAt: issuedAt + 900,
  };
  const ask = issuer.identityToken(scope);
  return { ...order, identityToken: ask === undefined ? undefined : tokens.make(ask, order) };
}

/** Code and message that `work` fails with, or `no error`. */
export async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "no error";
  } catch (error) {
    return isAgentKeysError(error) ? `${error.code}: ${error.message}` : String(error);
  }
}
