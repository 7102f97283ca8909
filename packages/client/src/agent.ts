import { AgentKeysError, parseScope, type Json, type Scope } from "@agentkeys/core";
import { FieldKey, parseReceipt, receiptMediaType, verifyReceipt, type VerifiedReceipt } from "@agentkeys/log";
import * as v from "valibot";
import { importKey } from "./client-key.ts";
import { systemClock, type Clock } from "./clock.ts";
import { openConnection, type BrokerConnection } from "./connection.ts";
import { proveCredential, type UnprovenCredential } from "./credential-receipt.ts";
import { persist } from "./persist.ts";
import type { AgentProfile } from "./profile.ts";
import type { Session, SessionKeeper } from "./session.ts";
import { parseTrust, type Trust } from "./trust.ts";

/** What an agent asks for. */
export interface CredentialAsk {
  /** An issuer of the broker, e.g. `oidc`. */
  readonly issuer: string;
  readonly scope: Scope;
  /** Seconds; the credential lives no longer. */
  readonly ttl: number;
  /** What the ask takes of a grant's budget of units, 1 to 1,000,000. Default 1. */
  readonly units?: number | undefined;
  /** Which grant to use; without it the broker picks the oldest that contains the ask. */
  readonly grant?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A credential whose receipt was verified. `value` is the secret. */
export interface IssuedCredential {
  /** Public id: a token's `jti`. */
  readonly id: string;
  readonly issuer: string;
  /** e.g. `jwt`. */
  readonly type: string;
  readonly value: Json;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** UUID text of its audit record. */
  readonly record: string;
  /** JSON text of the receipt; to be kept, and to be upgraded by {@link Agent.refreshReceipt}. */
  readonly receipt: string;
}

/** A receipt that was fetched again. */
export interface RefreshedReceipt {
  readonly receipt: string;
  readonly verified: VerifiedReceipt;
}

/** An agent at work. */
export interface Agent {
  readonly id: string;
  readonly connection: BrokerConnection;
  /**
   * A credential with a verified receipt of its own. A fault of the network is retried under the same Idempotency-Key, so that
   * one ask is one use of the grant. Throws ERR_AUDIT_RECEIPT, and hands out nothing, when the receipt does not prove it.
   */
  requestCredential(ask: CredentialAsk): Promise<IssuedCredential>;
  /** The record's receipt as it is now, verified: its cosignatures are those of trusted witnesses. */
  refreshReceipt(record: string): Promise<RefreshedReceipt>;
}

/** How to open an agent. */
export interface AgentOptions {
  /** Stores the profile with its renewed session; resolves when that would survive a crash. */
  readonly save?: ((profile: AgentProfile) => Promise<void>) | undefined;
  /** Keeps two processes that share the profile from refreshing at once; see {@link SessionKeeper}. */
  readonly exclusively?: SessionKeeper["exclusively"] | undefined;
  /** Trust in place of the pinned one. */
  readonly trust?: Trust | undefined;
  readonly clock?: Clock | undefined;
  /** Milliseconds for one exchange. */
  readonly within?: number | undefined;
}

const credentialSchema = v.object({
  credential: v.object({
    id: v.string(),
    issuer: v.string(),
    type: v.string(),
    value: v.unknown(),
    issued_at: v.pipe(v.string(), v.isoTimestamp()),
    expires_at: v.pipe(v.string(), v.isoTimestamp()),
  }),
  // Whatever stands here is read by the receipt's own parser, and nothing is not a receipt.
  receipt: v.optional(v.unknown(), null),
});

/**
 * Opens an agent from its profile.
 *
 * @example
 * const agent = await openAgent(profile, { save: async (p) => writeFile(path, formatProfile(p), { mode: 0o600 }) });
 * const { value } = await agent.requestCredential({
 *   issuer: "oidc",
 *   scope: { actions: ["token"], resources: ["https://api.example.com"] },
 *   ttl: 600,
 * });
 */
export async function openAgent(profile: AgentProfile, options: AgentOptions = {}): Promise<Agent> {
  const { save, exclusively, clock = systemClock, within } = options;
  const trust = parseTrust(options.trust ?? profile.trust);
  const connection = openConnection({
    broker: profile.broker,
    key: await importKey(profile.key),
    session: profile.session,
    clientId: profile.clientId,
    keeper: {
      async save(session: Session): Promise<void> {
        await save?.({ ...profile, session });
      },
      ...(exclusively === undefined ? {} : { exclusively }),
    },
    clock,
    within,
  });

  async function requestCredential(ask: CredentialAsk): Promise<IssuedCredential> {
    const scope = parseScope(ask.scope);
    const { issuer, ttl, units, grant } = ask;
    const body = {
      issuer,
      scope,
      ttl,
      ...(units === undefined ? {} : { units }),
      ...(grant === undefined ? {} : { grant }),
    };
    const headers = { "idempotency-key": crypto.randomUUID() };
    const call = { method: "POST", path: "/v1/credentials", json: body, headers, signal: ask.signal } as const;
    const answer = await persist(() => connection.ask(call, credentialSchema), clock, ask.signal);
    const { value, issued_at: issued, expires_at: expires, ...plain } = answer.credential;
    const credential: UnprovenCredential = {
      ...plain,
      value: value as Json,
      issuedAt: Date.parse(issued) / 1000,
      expiresAt: Date.parse(expires) / 1000,
    };
    const receipt = JSON.stringify(answer.receipt);
    const claim = { broker: connection.broker, agent: profile.agent, ...body };
    const { record } = await proveCredential(credential, receipt, claim, trust);
    return { ...credential, record: record.id, receipt };
  }

  async function refreshReceipt(record: string): Promise<RefreshedReceipt> {
    const path = `/v1/audit/receipts/${encodeURIComponent(record)}`;
    const headers = { accept: `${receiptMediaType}, application/problem+json` };
    const { text: receipt } = await connection.send({ method: "GET", path, headers });
    const verified = await verifyReceipt(parseReceipt(receipt), trust);
    const opened = verified.openings.find(({ key }) => key === FieldKey.agent)?.value;
    if (verified.record.id !== record || opened !== profile.agent) {
      const reason = "the receipt is of another record or agent";
      throw new AgentKeysError("ERR_AUDIT_RECEIPT", reason, { reason });
    }
    return { receipt, verified };
  }

  return Object.freeze({ id: profile.agent, connection, requestCredential, refreshReceipt });
}
