/** What `user_version` of the database says: which tables it has. */
export const schemaVersion = 1;

/**
 * The tables. `log` is the one row that binds the key file; positions and places count over all epochs. Everything is append-only but
 * `owners`, where erasure overwrites a key with zeros and leaves the row, and `openings`, which hold nothing readable without it.
 */
export const schema: string = `
  CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY CHECK (one = 1), secrets_hash BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS epochs (number INTEGER PRIMARY KEY, origin TEXT NOT NULL, first_position INTEGER NOT NULL,
    first_place INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS keys (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, vkey TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS entries (position INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, entry BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS hashes (place INTEGER PRIMARY KEY, hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;
  CREATE TABLE IF NOT EXISTS openings (position INTEGER PRIMARY KEY, owner INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS openings_of_owner ON openings (owner, position);
  CREATE TABLE IF NOT EXISTS owners (number INTEGER PRIMARY KEY, tag BLOB NOT NULL UNIQUE CHECK (length(tag) = 16),
    wrapped BLOB NOT NULL CHECK (length(wrapped) = 60)) STRICT;
  ${makeAppendOnly("log", "one")}
  ${makeAppendOnly("epochs", "number")}
  ${makeAppendOnly("keys", "number")}
  ${makeAppendOnly("entries", "position", "EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)")}
  ${makeAppendOnly("hashes", "place")}`;

/** Refuses change, deletion, and INSERT OR REPLACE, which deletes without a word: a row goes behind the last one or nowhere. */
function makeAppendOnly(table: string, key: string, isTaken = "0"): string {
  const refusal = `BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;`;
  const behindLast = `NEW.${key} <= (SELECT max(${key}) FROM ${table})`;
  return `
    CREATE TRIGGER IF NOT EXISTS ${table}_INSERT BEFORE INSERT ON ${table} WHEN ${behindLast} OR ${isTaken} ${refusal}
    CREATE TRIGGER IF NOT EXISTS ${table}_UPDATE BEFORE UPDATE ON ${table} ${refusal}
    CREATE TRIGGER IF NOT EXISTS ${table}_DELETE BEFORE DELETE ON ${table} ${refusal}`;
}
