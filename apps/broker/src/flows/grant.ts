import { AgentKeysError, newIdentifier } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import { assertLongEnough, longestTtl, parseScopeFor } from "../steps/authorize.ts";
import { assertWithinRights } from "../steps/rights.ts";
import type { Grant } from "../store/commands/grants.ts";
import { newEvent } from "./event.ts";

/** A grant a person asks to make. Times in milliseconds, durations in seconds. */
export interface GrantAsk {
  readonly agent: string;
  readonly issuer: string;
  readonly scope: unknown;
  readonly maxUses: number | undefined;
  readonly maxTtl: number | undefined;
  readonly notBefore: number | undefined;
  readonly expiresAt: number | undefined;
  readonly budget: { readonly units?: number | undefined; readonly seconds?: number | undefined } | undefined;
}

/**
 * Makes a grant no wider than the account's rights of now, with `proposal` of that one, which it uses up. Throws ERR_GRANT_NOT_FOUND (agent, proposal), ERR_ISSUER_UNKNOWN,
 * ERR_GRANT_SCOPE, ERR_GRANT_EXCEEDS_RIGHTS, ERR_GRANT_DENIED (ceiling), ERR_ISSUER_TTL.
 */
export async function createGrant(broker: Broker, account: string, ask: GrantAsk, proposal?: string): Promise<Grant> {
  const { issuer, scope, scopeText } = parseScopeFor(broker.issuers, ask);
  assertLongEnough(issuer, Math.min(ask.maxTtl ?? longestTtl, ask.budget?.seconds ?? longestTtl));
  const now = broker.now();
  if (ask.expiresAt !== undefined && ask.expiresAt <= Math.max(now, ask.notBefore ?? 0)) {
    throw new AgentKeysError("ERR_REQUEST_MALFORMED", "constraints.expires_at is not after now and not_before", {
      issues: ["constraints.expires_at: expected a later time"],
    });
  }
  // Without a limit of its own a grant lasts as long as the rights allow at each use; the least ttl must fit today.
  assertWithinRights(broker.rights, broker.readings, account, {
    issuer: issuer.name,
    scope,
    ttl: ask.maxTtl ?? issuer.shortestTtl,
  });
  const id = newIdentifier("grn", broker.random(16));
  const grant: Grant = {
    id,
    account,
    agent: ask.agent,
    issuer: issuer.name,
    scope: scopeText,
    delivery: "release",
    maxUses: ask.maxUses ?? null,
    maxTtl: ask.maxTtl ?? null,
    notBefore: ask.notBefore ?? null,
    expiresAt: ask.expiresAt ?? null,
    uses: 0,
    budgetUnits: ask.budget?.units ?? null,
    budgetSeconds: ask.budget?.seconds ?? null,
    usedUnits: 0,
    usedSeconds: 0,
    createdAt: now,
    revokedAt: null,
  };
  const event = newEvent(broker, RecordType.grantCreated, {
    account,
    agent: ask.agent,
    issuer: issuer.name,
    scope: scopeText,
    grant: id,
    policy: broker.rights.policy,
  });
  await broker.store.write("createGrant", { grant, proposal, event });
  await broker.outbox.drain();
  return grant;
}

/** Ends a grant: from the answer on, no credential is issued under it. */
export async function revokeGrant(broker: Broker, account: string, grant: string): Promise<void> {
  const agent = broker.readings.grant(grant)?.agent;
  const event = newEvent(broker, RecordType.grantRevoked, {
    account,
    grant,
    ...(agent === undefined ? {} : { agent }),
  });
  await broker.store.write("revokeGrant", { account, grant, now: broker.now(), event });
  await broker.outbox.drain();
}

/** Bounds of what a grant may say. */
export const grantBounds = { longestTtl, mostUses: 1_000_000_000, mostBudget: 1_000_000_000_000 } as const;
/** What one ask may take of a budget of units, at most. */
export const mostUnits = 1_000_000;
