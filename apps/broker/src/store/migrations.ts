/**
 * The steps that make the tables of `schema.ts`, oldest first; the step at place N brings a file from schema version N to N + 1. A step
 * that was released is never changed: files made by it are out there. A change to the tables is a new step at the end, in plain SQL
 * that fills in what rows there lack.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE accounts (account TEXT PRIMARY KEY, role TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE identities (type TEXT NOT NULL, value TEXT NOT NULL, account TEXT NOT NULL, linked_at INTEGER NOT NULL,
      PRIMARY KEY (type, value)) STRICT, WITHOUT ROWID`,
    `CREATE INDEX identities_account ON identities (account)`,
    `CREATE TABLE attempts (challenge_id TEXT PRIMARY KEY, method TEXT NOT NULL, has_claim INTEGER NOT NULL, client_name TEXT NOT NULL,
      source TEXT NOT NULL, started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, thumbprint TEXT, poll_hash TEXT UNIQUE,
      user_code_hash TEXT, tries_left INTEGER NOT NULL, proven TEXT) STRICT`,
    `CREATE TABLE sessions (id TEXT PRIMARY KEY, account TEXT NOT NULL, agent TEXT, thumbprint TEXT NOT NULL, client_id TEXT NOT NULL,
      amr TEXT NOT NULL, auth_time INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
      refresh_hash TEXT NOT NULL, revoked_at INTEGER) STRICT, WITHOUT ROWID`,
    `CREATE INDEX sessions_account ON sessions (account)`,
    `CREATE INDEX sessions_agent ON sessions (agent)`,
    `CREATE TABLE pairings (device_hash TEXT PRIMARY KEY, user_code_hash TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL,
      client_name TEXT NOT NULL, thumbprint TEXT NOT NULL, source TEXT NOT NULL, requested_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL, status TEXT NOT NULL, agent TEXT, polled_at INTEGER NOT NULL, interval INTEGER NOT NULL) STRICT`,
    `CREATE TABLE pairing_tries (account TEXT PRIMARY KEY, count INTEGER NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE agents (id TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, client_id TEXT NOT NULL,
      thumbprint TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER) STRICT, WITHOUT ROWID`,
    `CREATE INDEX agents_account ON agents (account)`,
    `CREATE TABLE grants (id TEXT PRIMARY KEY, account TEXT NOT NULL, agent TEXT NOT NULL, issuer TEXT NOT NULL, scope TEXT NOT NULL,
      delivery TEXT NOT NULL, max_uses INTEGER, max_ttl INTEGER, not_before INTEGER, expires_at INTEGER, uses INTEGER NOT NULL,
      created_at INTEGER NOT NULL, revoked_at INTEGER) STRICT, WITHOUT ROWID`,
    `CREATE INDEX grants_agent ON grants (agent, issuer)`,
    `CREATE INDEX grants_account ON grants (account)`,
    `CREATE TABLE idempotency (key BLOB PRIMARY KEY, body_hash BLOB NOT NULL, "grant" TEXT NOT NULL, record TEXT NOT NULL,
      credential TEXT NOT NULL, recorded_at INTEGER NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, failure TEXT,
      kept_until INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE INDEX idempotency_kept_until ON idempotency (kept_until)`,
    `CREATE TABLE outbox (position INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT`,
    `CREATE TABLE anchored_heads (anchor TEXT NOT NULL, size INTEGER NOT NULL, evidence TEXT NOT NULL, published_at INTEGER NOT NULL,
      PRIMARY KEY (anchor, size)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE key_values (namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER,
      PRIMARY KEY (namespace, key)) STRICT, WITHOUT ROWID`,
    `CREATE INDEX key_values_expires_at ON key_values (expires_at)`,
  ],
];
