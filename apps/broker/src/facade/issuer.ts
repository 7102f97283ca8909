import {
  formatScope,
  isWithin,
  type Credential,
  type CredentialIssuer,
  type IdentityTokenAsk,
  type IssueOrder,
  type Readiness,
  type Scope,
} from "@agentkeys/core";
import type { Guard } from "./guard.ts";

/** One issuer as the steps see it. */
export interface IssuerFacade {
  readonly name: string;
  readonly ownAudiences: readonly string[];
  readonly tokenAlgorithms: readonly IdentityTokenAsk["algorithm"][];
  /** Core's scope as this issuer means it; may only narrow. Throws ERR_GRANT_SCOPE. */
  parseScope(scope: Scope): Scope;
  identityToken(scope: Scope): IdentityTokenAsk | undefined;
  issue(order: IssueOrder, requestId: string): Promise<Credential>;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

/** Puts the facade before an issuer. */
export function createIssuerFacade(name: string, issuer: CredentialIssuer, guard: Guard): IssuerFacade {
  return {
    name,
    ownAudiences: issuer.ownAudiences ?? [],
    tokenAlgorithms: issuer.tokenAlgorithms ?? ["ES256"],
    parseScope(scope) {
      const parsed = guard.runPure("parseScope", () => issuer.parseScope(formatScope(scope)));
      if (!isWithin(parsed, scope)) throw guard.breach("parseScope widened the scope");
      return parsed;
    },
    identityToken(scope) {
      const ask = guard.runPure("identityToken", () => issuer.identityToken(scope));
      if (ask !== undefined && !(issuer.tokenAlgorithms ?? ["ES256"]).includes(ask.algorithm))
        throw guard.breach(`identityToken asks for ${ask.algorithm}, which it does not declare`);
      return ask;
    },
    async issue(order, requestId) {
      const credential = await guard.run("issue", requestId, (call) => issuer.issue(order, call));
      if (credential?.id !== order.credentialId) throw guard.breach("issue gave a credential of another id");
      if (typeof credential.type !== "string" || credential.value === undefined)
        throw guard.breach("issue gave no credential");
      if (!Number.isSafeInteger(credential.expiresAt) || credential.expiresAt > order.expiresAt)
        throw guard.breach("the credential outlives what was asked");
      return credential;
    },
    ready: (requestId) => guard.run("ready", requestId, (call) => issuer.ready(call)),
    close: () => issuer.close(),
  };
}
