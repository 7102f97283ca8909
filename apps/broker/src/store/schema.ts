import { blob, index, integer, primaryKey, sqliteTable, text } from "./drizzle.ts";
import type { AuditEvent, Json } from "@agentkeys/core";

// Times are milliseconds since the Unix epoch unless a column says seconds. Secrets stand here only as SHA-256.

/** Facts of the installation: the hash of the newest claim code. */
export const settings = sqliteTable("settings", {
  key: text().primaryKey(),
  value: text().notNull(),
});

/** Accounts, keyed by the OmniAccount of the identity that opened them. */
export const accounts = sqliteTable("accounts", {
  account: text().primaryKey(),
  role: text({ enum: ["operator", "member"] }).notNull(),
  createdAt: integer("created_at").notNull(),
  /** Set while the operator keeps the account from doing anything. */
  suspendedAt: integer("suspended_at"),
});

/** Which account each proven identity belongs to. */
export const identities = sqliteTable(
  "identities",
  {
    type: text().notNull(),
    value: text().notNull(),
    account: text().notNull(),
    linkedAt: integer("linked_at").notNull(),
    /** Set for one that was unlinked: it opens no account any more. */
    retiredAt: integer("retired_at"),
  },
  (table) => [primaryKey({ columns: [table.type, table.value] }), index("identities_account").on(table.account)],
);

/** Sign-ins that were started and are not over. */
export const attempts = sqliteTable("attempts", {
  challengeId: text("challenge_id").primaryKey(),
  method: text().notNull(),
  clientName: text("client_name").notNull(),
  /** Where the start came from, as the listener saw it. */
  source: text().notNull(),
  startedAt: integer("started_at").notNull(),
  expiresAt: integer("expires_at").notNull(),
  /** Out of band only: the key the session will be bound to, and the hashes of what the starter holds. */
  thumbprint: text(),
  pollHash: text("poll_hash").unique(),
  userCodeHash: text("user_code_hash"),
  triesLeft: integer("tries_left").notNull(),
  /** Out of band only: what the browser proved, until the poll takes it. */
  proven: text({ mode: "json" }).$type<ProvenAttempt>(),
  /** Hash of the claim code, invite or recovery code that the start carried. It must still be good when the proof is there. */
  codeHash: text("code_hash"),
  /** Set when what is proven shall be linked to the account of that session, and to nothing else. */
  linkSession: text("link_session"),
});

/** Codes the operator made: invites, and recovery codes of an account. Gone once spent or revoked. */
export const codes = sqliteTable("codes", {
  hash: text().primaryKey(),
  id: text().notNull().unique(),
  kind: text({ enum: ["invite", "recovery"] }).notNull(),
  /** Of an invite: what the account will be. */
  role: text({ enum: ["operator", "member"] }),
  /** Of a recovery code: the account it opens. */
  account: text(),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at").notNull(),
});

/** What an out-of-band method proved for a waiting starter. */
export interface ProvenAttempt {
  readonly type: string;
  readonly value: string;
  readonly amr: readonly string[];
  readonly provenAt: number;
}

/** Sessions of people and of agents. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text().primaryKey(),
    account: text().notNull(),
    /** Set for an agent's session. */
    agent: text(),
    thumbprint: text().notNull(),
    clientId: text("client_id").notNull(),
    amr: text({ mode: "json" }).$type<readonly string[]>().notNull(),
    /** When the person last proved who they are. */
    authTime: integer("auth_time").notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    refreshHash: text("refresh_hash").notNull(),
    revokedAt: integer("revoked_at"),
    /** Id of the newest access token. */
    tokenId: text("token_id"),
    /** The refresh token before the newest, while the answer that brought the newest may have been lost. */
    previousHash: text("previous_hash"),
    /** When the newest refresh token was given for the one before it. */
    rotatedAt: integer("rotated_at"),
  },
  (table) => [index("sessions_account").on(table.account), index("sessions_agent").on(table.agent)],
);

/** Device authorizations (RFC 8628) that wait for a person. */
export const pairings = sqliteTable("pairings", {
  deviceHash: text("device_hash").primaryKey(),
  userCodeHash: text("user_code_hash").notNull().unique(),
  clientId: text("client_id").notNull(),
  clientName: text("client_name").notNull(),
  thumbprint: text().notNull(),
  source: text().notNull(),
  requestedAt: integer("requested_at").notNull(),
  expiresAt: integer("expires_at").notNull(),
  status: text({ enum: ["pending", "approved", "denied"] }).notNull(),
  agent: text(),
  polledAt: integer("polled_at").notNull(),
  interval: integer().notNull(),
});

/** Wrong user codes an account has typed. */
export const pairingTries = sqliteTable("pairing_tries", {
  account: text().primaryKey(),
  count: integer().notNull(),
  until: integer().notNull(),
});

/** Agents, made by an approved pairing. */
export const agents = sqliteTable(
  "agents",
  {
    id: text().primaryKey(),
    account: text().notNull(),
    name: text().notNull(),
    clientId: text("client_id").notNull(),
    thumbprint: text().notNull(),
    createdAt: integer("created_at").notNull(),
    revokedAt: integer("revoked_at"),
  },
  (table) => [index("agents_account").on(table.account)],
);

/** Grants: what an agent may ask for. */
export const grants = sqliteTable(
  "grants",
  {
    id: text().primaryKey(),
    account: text().notNull(),
    agent: text().notNull(),
    issuer: text().notNull(),
    /** Canonical scope text. */
    scope: text().notNull(),
    delivery: text({ enum: ["release"] }).notNull(),
    maxUses: integer("max_uses"),
    /** Seconds. */
    maxTtl: integer("max_ttl"),
    notBefore: integer("not_before"),
    expiresAt: integer("expires_at"),
    uses: integer().notNull(),
    createdAt: integer("created_at").notNull(),
    revokedAt: integer("revoked_at"),
    /** What the units of all asks may add up to. */
    budgetUnits: integer("budget_units"),
    /** What the lifetimes of all credentials may add up to, in seconds. */
    budgetSeconds: integer("budget_seconds"),
    usedUnits: integer("used_units").notNull().default(0),
    /** Of a grant made before budgets were: since then. */
    usedSeconds: integer("used_seconds").notNull().default(0),
  },
  (table) => [index("grants_agent").on(table.agent, table.issuer), index("grants_account").on(table.account)],
);

/** What agents asked for and were refused, while it waits for their owner. It is no power: a grant is made of it by the owner alone. */
export const proposals = sqliteTable(
  "proposals",
  {
    id: text().primaryKey(),
    account: text().notNull(),
    agent: text().notNull(),
    issuer: text().notNull(),
    /** Canonical scope text. */
    scope: text().notNull(),
    /** Seconds. */
    ttl: integer().notNull(),
    units: integer().notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    /** Kept until it expires, so that the same wish is not put again and again. */
    declinedAt: integer("declined_at"),
  },
  (table) => [index("proposals_agent").on(table.agent), index("proposals_account").on(table.account)],
);

/** One row a used Idempotency-Key: what was asked and what was recorded, never a credential. */
export const idempotency = sqliteTable(
  "idempotency",
  {
    /** SHA-256 of agent, key thumbprint and key. */
    key: blob({ mode: "buffer" }).primaryKey(),
    bodyHash: blob("body_hash", { mode: "buffer" }).notNull(),
    grant: text().notNull(),
    record: text().notNull(),
    credential: text().notNull(),
    recordedAt: integer("recorded_at").notNull(),
    /** Seconds. */
    issuedAt: integer("issued_at").notNull(),
    /** Seconds. */
    expiresAt: integer("expires_at").notNull(),
    /** The error the first answer was, when issuing failed after the record. */
    failure: text({ mode: "json" }).$type<StoredFailure>(),
    keptUntil: integer("kept_until").notNull(),
    /** What the use took of the grant's units. */
    units: integer().notNull().default(1),
  },
  (table) => [index("idempotency_kept_until").on(table.keptUntil)],
);

/** An error to answer a retry with. */
export interface StoredFailure {
  readonly code: string;
  readonly message: string;
  readonly facts: Json;
}

/** Uses of an issuer that calls out, from the reservation until their result is recorded. */
export const intents = sqliteTable("intents", {
  /** Id of the intent's record, and of the one that will tell its result. */
  record: text().primaryKey(),
  result: text().notNull(),
  /** Of the use's row in `idempotency`. */
  key: blob({ mode: "buffer" }).notNull(),
  grant: text().notNull(),
  account: text().notNull(),
  agent: text().notNull(),
  issuer: text().notNull(),
});

/** Events that were decided here and wait to stand in the audit log; written in the transaction of what they tell of. */
export const outbox = sqliteTable("outbox", {
  position: integer().primaryKey({ autoIncrement: true }),
  event: text({ mode: "json" }).$type<AuditEvent>().notNull(),
});

/** The newest head each anchor has taken, with its evidence. */
export const anchoredHeads = sqliteTable(
  "anchored_heads",
  {
    anchor: text().notNull(),
    size: integer().notNull(),
    evidence: text({ mode: "json" }).$type<Json>().notNull(),
    publishedAt: integer("published_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.anchor, table.size] })],
);

/** The key-value spaces lent to plug-ins. */
export const keyValues = sqliteTable(
  "key_values",
  {
    namespace: text().notNull(),
    key: text().notNull(),
    value: text().notNull(),
    expiresAt: integer("expires_at"),
  },
  (table) => [
    primaryKey({ columns: [table.namespace, table.key] }),
    index("key_values_expires_at").on(table.expiresAt),
  ],
);
