import type { Call, Json, Lifecycle } from "./call.ts";
import type { Scope } from "./scope.ts";

/** The identity token an issuer needs. Only the host can make one, and only inside a recorded step. */
export interface IdentityTokenAsk {
  readonly audience: string;
  readonly algorithm: "ES256" | "RS256";
  /**
   * Further claims that the far side reads, each named by an https URL (RFC 7519 section 4.2). In their values a text that is exactly
   * `{account}`, `{agent}`, `{grant}` or `{record}` stands for that of the recorded step.
   *
   * @example { "https://aws.amazon.com/source_identity": "{agent}" }
   */
  readonly claims?: { readonly [name: string]: Json };
}

/** What to issue: everything in it was authorised and is durably recorded. Times are Unix seconds. */
export interface IssueOrder {
  /** UUID text of the audit record. */
  readonly record: string;
  /** The account's OmniAccount, lower hex. */
  readonly account: string;
  readonly agent: string;
  readonly grant: string;
  readonly scope: Scope;
  /** The public id recorded for the credential (`jti_…`); what calls out answers an id of the far side's instead. */
  readonly credentialId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Made by the host as `identityToken(scope)` asked; undefined when that answered undefined. */
  readonly identityToken: string | undefined;
}

/** A short-lived credential. `value` leaves the broker once and is kept nowhere. */
export interface Credential {
  /** Public id; for a local signer the order's `credentialId`. Never the secret. */
  readonly id: string;
  /** e.g. `jwt`. */
  readonly type: string;
  readonly value: Json;
  /** Unix seconds, never later than the order's. */
  readonly expiresAt: number;
}

/**
 * Makes credentials (`CredentialIssuer`). Capability `local`: it signs or derives without calling out, so one record before
 * release is enough. Capability `remote`: it calls out. The intent is durable before `issue` is called, the result before the credential
 * is released; a credential whose result could not be recorded is dropped. Exactly one of the two.
 *
 * Obligations: `parseScope` is pure and refuses what its own world would read otherwise than core (`ERR_GRANT_SCOPE`); never
 * wider than the scope it was given; expiry never later than asked; the credential carries the order's id; revoking an unknown
 * credential is success.
 */
export interface CredentialIssuer extends Lifecycle {
  /** Audiences that stand for this issuer; the host refuses them to every other issuer. */
  readonly ownAudiences?: readonly string[];
  /** Algorithms its identity tokens may ask for, so that the host has the keys. Without it, ES256 alone. */
  readonly tokenAlgorithms?: readonly IdentityTokenAsk["algorithm"][];
  /** The shortest lifetime it can give, in seconds: the host refuses grants and asks for less. Without it, any. */
  readonly shortestTtl?: number;
  /** From canonical scope text to the scope it means here. Pure; throws ERR_GRANT_SCOPE. */
  parseScope(text: string): Scope;
  /** Which identity token `issue` needs for this scope, or undefined. Pure. */
  identityToken(scope: Scope): IdentityTokenAsk | undefined;
  issue(order: IssueOrder, call: Call): Promise<Credential>;
  revoke?(credentialId: string, call: Call): Promise<void>;
}
