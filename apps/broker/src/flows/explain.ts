import { formatScope, isAgentKeysError, parseScope, type Json } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import { findAllowed, type Allowed } from "../steps/allowed.ts";
import { authorize, type CredentialAsk } from "../steps/authorize.ts";
import { describeRow, rightsOf } from "../steps/rights.ts";

/** Which layer a refusal comes from. */
const layers: Readonly<Record<string, string>> = {
  ERR_GRANT_NOT_FOUND: "grant",
  ERR_GRANT_USED_UP: "constraint",
  ERR_GRANT_TTL: "constraint",
  ERR_GRANT_EXCEEDS_RIGHTS: "rights",
  ERR_GRANT_AUDIENCE: "issuer",
  ERR_GRANT_SCOPE: "issuer",
  ERR_ISSUER_TTL: "issuer",
  ERR_ISSUER_UNKNOWN: "issuer",
};

/**
 * Says what would come of an ask, by the very step that decides it, without using anything up; and what would be allowed in its place: of
 * the issuer asked for or, where there is none of that name, of every one.
 */
export async function explainAsk(broker: Broker, by: Authenticated, ask: CredentialAsk): Promise<Record<string, Json>> {
  const allowedNow = findAllowed(broker, by, broker.issuers.has(ask.issuer) ? ask.issuer : undefined);
  const held = rightsOf(broker.rights, broker.readings, by.account).filter((row) => row.issuer === ask.issuer);
  const common = {
    policy: { hash: broker.rights.policy, rights: held.map(describeRow) },
    would_allow: allowedNow.map(allowedJson),
  };
  try {
    const allowed = await authorize(broker, by, ask);
    return {
      allowed: true,
      grant: allowed.grant.id,
      reason: `grant ${allowed.grant.id} contains ${formatScope(parseScope(ask.scope))}`,
      ...common,
    };
  } catch (error) {
    if (!isAgentKeysError(error)) throw error;
    const layer = isAgentKeysError(error, "ERR_GRANT_DENIED") ? error.facts.layer : layers[error.code];
    const facts = error.facts as Readonly<Record<string, Json>>;
    return { allowed: false, code: error.code, layer: layer ?? "issuer", reason: error.message, facts, ...common };
  }
}

function allowedJson({ grant, issuer, scope, minTtl, maxTtl, left }: Allowed): Json {
  return {
    grant,
    issuer,
    scope: { actions: [...scope.actions], resources: [...scope.resources] },
    min_ttl: minTtl,
    max_ttl: maxTtl,
    ...(Object.keys(left).length === 0 ? {} : { left: { ...left } }),
  };
}
