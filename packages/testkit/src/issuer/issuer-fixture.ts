import type { Credential, Json } from "@agentkeys/core";
import type { IdentityTokens } from "../identity-tokens.ts";
import type { PluginFixture } from "../plugin-fixture.ts";

/** What a credential truly allows, read from the credential itself or from the far side that would honour it. */
export interface CredentialContents {
  /** The actions and resources it opens, in words of core's scope. */
  readonly scope: { readonly actions: readonly string[]; readonly resources: readonly string[] };
  /** The public id that stands in it. */
  readonly id: string;
  /** Unix seconds at which it stops working. */
  readonly expiresAt: number;
  /** Everything of it that is a secret, to be looked for in log lines: the token, the key. */
  readonly secrets: readonly string[];
}

/**
 * An issuer plug-in under test. The kit makes orders and, where the issuer asks for one, a really signed identity token.
 *
 * @example
 * const fixture: IssuerFixture = {
 *   plugin: oidc, config: {},
 *   accepts: ['{"actions":["token"],"resources":["https://api.example.com"]}'],
 *   refuses: ['{"actions":["token"],"resources":["https://a.example","https://b.example"]}'],
 *   read: (credential) => readJwt(credential.value.token),
 * };
 */
export interface IssuerFixture extends PluginFixture<"issuer"> {
  /** Canonical scope texts that it issues for, at least one. */
  readonly accepts: readonly string[];
  /** Canonical scope texts that core takes and this issuer must refuse: what its own world would read otherwise. */
  readonly refuses: readonly string[];
  /** Looks into a credential. */
  read(credential: Credential): CredentialContents | Promise<CredentialContents>;
  /** The host's maker of identity tokens, where the far side must know its keys. Default: one of the kit's own. */
  readonly identityTokens?: IdentityTokens;
  /** True when the far side takes the credential now. Needed where `revoke` is there. */
  isHonoured?(credential: { readonly value: Json }): Promise<boolean>;
}
