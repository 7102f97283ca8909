import { hash } from "node:crypto";
import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import type { Authorized, CredentialAsk } from "../steps/authorize.ts";
import { isSurelyUnrecorded, planRecord, type RecordPlan } from "../steps/record.ts";
import { bytesOf, type IdempotencyRow, type UseKey } from "../store/commands/uses.ts";
import { remakeFailure } from "./failure.ts";

/** A use by its Idempotency-Key, which is the agent's and its key's own. */
export interface NamedUse {
  readonly key: UseKey;
  /** Of what is asked for, written like the key. */
  readonly bodyHash: string;
}

// Of asks that are frozen: they may come again.
const bodyHashes = new WeakMap<CredentialAsk, string>();

function bodyHashOf(ask: CredentialAsk): string {
  const known = bodyHashes.get(ask);
  if (known !== undefined) return known;
  const { issuer, scope, ttl, grant, units = 1 } = ask;
  // One unit is hashed as before there were units: a key outlives the program it was first used with.
  const named = [issuer, scope, ttl, grant, ...(units === 1 ? [] : [units])];
  const made = hash("sha256", JSON.stringify(named), "binary");
  if (Object.isFrozen(ask)) bodyHashes.set(ask, made);
  return made;
}

/** Names the use an ask would be. */
export function useOf(by: Authenticated, idempotencyKey: string, ask: CredentialAsk): NamedUse {
  const key = hash("sha256", `${by.agent}\n${by.thumbprint}\n${idempotencyKey}`, "binary");
  return { key, bodyHash: bodyHashOf(ask) };
}

/** The row of an earlier use with this key, where there is one. Throws ERR_REQUEST_IDEMPOTENCY_REUSED, or the error it ended with. */
export function findRepeated(broker: Broker, use: NamedUse): IdempotencyRow | undefined {
  const row = broker.readings.use(use.key);
  if (row === undefined || row.keptUntil <= broker.now()) return undefined;
  if (!bytesOf(use.bodyHash).equals(row.bodyHash))
    throw new AgentKeysError(
      "ERR_REQUEST_IDEMPOTENCY_REUSED",
      "this Idempotency-Key was used with another request",
      {},
    );
  if (row.failure !== null) throw remakeFailure(row.failure);
  if (row.expiresAt * 1000 <= broker.now()) {
    throw new AgentKeysError("ERR_ISSUER_OUTCOME_UNKNOWN", "the first request's credential has expired meanwhile", {});
  }
  return row;
}

/** A use stays known at least this long, so that a retry after a short-lived credential still finds it. */
const shortestMemory = 10 * 60_000;

/**
 * Reserves a use of the grant durably. `repeated`: its key was used before; `used_up`: another use was faster, and of the grant there is
 * not enough left. Throws ERR_GRANT_NOT_FOUND when power was taken away meanwhile.
 */
export async function reserveUse(
  broker: Broker,
  use: NamedUse,
  authorized: Authorized,
): Promise<RecordPlan | "repeated" | "used_up"> {
  const now = broker.now();
  const plan = planRecord(now, authorized.ttl, authorized.issuer.isRemote, broker.random);
  const { result, ...planned } = plan;
  const row = {
    ...planned,
    key: use.key,
    bodyHash: use.bodyHash,
    grant: authorized.grant.id,
    units: authorized.units,
    keptUntil: Math.max(plan.expiresAt * 1000, now + shortestMemory),
  };
  const taken = await broker.store.write("reserveUse", {
    row,
    agent: authorized.by.agent,
    session: authorized.by.session,
    now,
    ...(result === undefined
      ? {}
      : { intent: { result, account: authorized.grant.account, issuer: authorized.issuer.name } }),
  });
  if (taken.verdict === "reserved") return plan;
  if (taken.verdict === "repeated") return "repeated";
  if (taken.reason === "used_up") return "used_up";
  throw new AgentKeysError("ERR_GRANT_NOT_FOUND", "the grant, agent or session was revoked or has expired", {});
}

/** The plan of a use reserved before. */
export function planOf(row: IdempotencyRow): RecordPlan {
  const { record, credential, recordedAt, issuedAt, expiresAt } = row;
  return { record, credential, recordedAt, issuedAt, expiresAt };
}

/** After a failed record: gives the use back when surely nothing was recorded, and throws the error on. */
export async function giveBack(broker: Broker, use: NamedUse, authorized: Authorized, error: unknown): Promise<never> {
  if (isSurelyUnrecorded(error)) await broker.store.write("releaseUse", { key: use.key, grant: authorized.grant.id });
  throw error;
}
