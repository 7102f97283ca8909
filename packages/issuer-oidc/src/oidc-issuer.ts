import {
  AgentKeysError,
  formatScope,
  isWithin,
  type CredentialIssuer,
  type IdentityTokenAsk,
  type PluginHost,
  type Scope,
} from "@agentkeys/core";
import { audienceOf, parseAudienceScope, refuse } from "./audience.ts";
import type { OidcSettings } from "./config.ts";
import { findTokenFault } from "./identity-token.ts";

/**
 * Issues workload identity tokens. The host signs them, in the recorded step; here is decided for which audience and with which
 * algorithm, and checked that what came is what was ordered.
 */
export function openOidcIssuer({ rs256Audiences }: OidcSettings, host: PluginHost): CredentialIssuer {
  const rs256: Scope = { actions: ["token"], resources: rs256Audiences };

  // Of scopes that cannot change: the host gives the same one each time.
  const asks = new WeakMap<Scope, IdentityTokenAsk>();

  function identityToken(scope: Scope): IdentityTokenAsk {
    const known = asks.get(scope);
    if (known !== undefined) return known;
    const ask: IdentityTokenAsk = {
      audience: audienceOf(scope),
      algorithm: isWithin(scope, rs256) ? "RS256" : "ES256",
    };
    if (isFixed(scope)) asks.set(scope, Object.freeze(ask));
    return ask;
  }

  function fail(reason: string): AgentKeysError {
    return new AgentKeysError("ERR_ISSUER_FAILED", reason, { issuer: host.name });
  }

  return {
    tokenAlgorithms: rs256Audiences.length === 0 ? ["ES256"] : ["ES256", "RS256"],

    parseScope(text) {
      const scope = parseAudienceScope(parseJson(text));
      // Its one spelling: in another one, a member could stand twice.
      if (formatScope(scope) !== text) throw refuse("the scope text is not canonical");
      return scope;
    },

    identityToken,

    async issue(order) {
      const ask = identityToken(order.scope);
      if (order.expiresAt <= Math.max(order.issuedAt, host.now() / 1000)) throw fail("the credential would be over");
      if (order.identityToken === undefined) throw fail("the host gave no identity token");
      const fault = findTokenFault(order.identityToken, ask, order);
      if (fault !== undefined) throw fail(`the host's identity token is not the one ordered: ${fault}`);
      return { id: order.credentialId, type: "jwt", value: order.identityToken, expiresAt: order.expiresAt };
    },

    ready: async () => ({ status: "ready" }),
    close: async () => undefined,
  };
}

function isFixed(scope: Scope): boolean {
  return [scope, scope.actions, scope.resources].every(Object.isFrozen);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("the scope is no JSON");
  }
}
