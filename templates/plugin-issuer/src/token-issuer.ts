import type { KeyObject } from "node:crypto";
import {
  AgentKeysError,
  type CredentialIssuer,
  formatScope,
  parseScope,
  type PluginHost,
  type Scope,
} from "@agentkeys/core";
import type { TokenIssuerConfig } from "./index.ts";
import { keyId, parseSigningKey, signJws } from "./signed-token.ts";

/** Signs for what was ordered, and for nothing else: everything in a token comes from the recorded order. */
export function openTokenIssuer(config: TokenIssuerConfig, pem: string, host: PluginHost): CredentialIssuer {
  const key = parseKey(config, pem);
  // Its own `typ`, so that no other kind of token passes for this one (RFC 8725 section 3.11).
  const header = { alg: "EdDSA", kid: keyId(key), typ: "service+jwt" };

  function fail(reason: string): AgentKeysError {
    return new AgentKeysError("ERR_ISSUER_FAILED", reason, { issuer: host.name });
  }

  return {
    ownAudiences: [config.audience],

    parseScope(text) {
      const scope = parseScope(parseJson(text));
      // Its one spelling: in another one, a member could stand twice.
      if (formatScope(scope) !== text) throw refuse("the scope text is not canonical");
      assertPlain(scope);
      return scope;
    },

    // The token is signed here: none of the broker's is needed.
    identityToken: () => undefined,

    async issue(order) {
      const { scope, credentialId: id, issuedAt, expiresAt } = order;
      assertPlain(scope);
      if (scope.actions.length === 0 || scope.resources.length === 0) throw refuse("an empty scope opens nothing");
      if (scope.resources.some(isPattern)) throw refuse("a token names its resources: ask for each");
      if (expiresAt <= Math.max(issuedAt, host.now() / 1000)) throw fail("the token would be over");
      const claims = {
        iss: host.publicUrl,
        aud: config.audience,
        sub: order.agent,
        jti: id,
        iat: issuedAt,
        exp: expiresAt,
        actions: scope.actions,
        resources: scope.resources,
      };
      return { id, type: "jwt", value: signJws(header, JSON.stringify(claims), key), expiresAt };
    },

    ready: async () => ({ status: "ready" }),
    close: async () => {},
  };
}

function parseKey({ signing_key: reference }: TokenIssuerConfig, pem: string): KeyObject {
  const key = parseSigningKey(pem);
  if (key !== undefined) return key;
  const reason = "signing_key is no Ed25519 private key (PKCS#8, PEM)";
  const named = "file" in reference ? reference.file : reference.env;
  throw new AgentKeysError("ERR_CONFIG_SECRET", reason, { reference: named, reason });
}

const isPattern = (resource: string): boolean => resource.endsWith("/*") || resource.endsWith(":*");

/** A grant may end a resource in a star, as core reads it. Anywhere else the service would have to guess what it means. */
function assertPlain({ actions, resources }: Scope): void {
  const texts = [...actions, ...resources.map((one) => (isPattern(one) ? one.slice(0, -1) : one))];
  if (texts.some((text) => text.includes("*")))
    throw refuse("a * may stand only at the end of a resource, after / or :");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("the scope is no JSON");
  }
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
}
