import {
  newIdentifier,
  newRecordId,
  type Credential,
  type CredentialIssuer,
  type IssueOrder,
  type Scope,
} from "@agentkeys/core";
import { check } from "../expect.ts";
import { createIdentityTokens, type IdentityTokens } from "../identity-tokens.ts";
import { defineCase, type Subject } from "../subject.ts";
import type { CredentialContents, IssuerFixture } from "./issuer-fixture.ts";

/** An issuer opened for one case. */
export type IssuerSubject = Subject<IssuerFixture, CredentialIssuer>;

/** Defines a case of the issuer contract. */
export const defineIssuerCase: typeof defineCase<IssuerFixture, CredentialIssuer> = defineCase<
  IssuerFixture,
  CredentialIssuer
>;

// RSA keys take long to make, and these protect nothing: one set serves every case.
let sharedTokens: IdentityTokens | undefined;

/** Makes an order for a scope text as the broker does, with the identity token that the issuer asks for. */
export function makeOrder(subject: IssuerSubject, text: string, changes: Partial<IssueOrder> = {}): IssueOrder {
  const { instance, host, fixture } = subject;
  const scope: Scope = instance.parseScope(text);
  const issuedAt = Math.floor(host.now() / 1000);
  const { identityToken, ...order } = {
    record: newRecordId(host.now(), host.random(10)),
    account: "ad".repeat(32),
    agent: newIdentifier("agt", host.random(16)),
    grant: newIdentifier("grn", host.random(16)),
    scope,
    credentialId: newIdentifier("jti", host.random(16)),
    issuedAt,
    expiresAt: issuedAt + 3600,
    ...changes,
  };
  const ask = instance.identityToken(order.scope);
  const tokens = fixture.identityTokens ?? (sharedTokens ??= createIdentityTokens());
  const made = ask === undefined ? undefined : tokens.make(ask, order);
  return { ...order, identityToken: "identityToken" in changes ? identityToken : made };
}

/** Issues for an order and looks into the credential. */
export async function issue(
  subject: IssuerSubject,
  order: IssueOrder,
): Promise<{ readonly credential: Credential; readonly contents: CredentialContents }> {
  const credential = await subject.instance.issue(order, subject.call());
  return { credential, contents: await subject.fixture.read(credential) };
}

/** The first scope text that the issuer takes. */
export function firstScope({ fixture }: IssuerSubject): string {
  const [text] = fixture.accepts;
  check(text !== undefined, "the fixture accepts no scope");
  return text;
}
