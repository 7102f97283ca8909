import { and, asc, eq, gt, gte, isNull, or, sql } from "./drizzle.ts";
import { AgentKeysError, type HostStore, type Json } from "@agentkeys/core";
import { prepared, type ReadOnlyDatabase } from "./engine-command.ts";
import type { Store } from "./engine-store.ts";
import { isExpired } from "./key-value-commands.ts";
import { keyValues } from "./schema.ts";

const mostKeyCharacters = 512;
const mostValueBytes = 64 * 1024;
const mostListed = 1000;

const find = prepared((db: ReadOnlyDatabase) =>
  db
    .select({ value: keyValues.value, expiresAt: keyValues.expiresAt })
    .from(keyValues)
    .where(and(eq(keyValues.namespace, sql.placeholder("namespace")), eq(keyValues.key, sql.placeholder("key"))))
    .prepare(),
);
const listFrom = prepared((db: ReadOnlyDatabase) =>
  db
    .select({ key: keyValues.key, value: keyValues.value })
    .from(keyValues)
    .where(
      and(
        eq(keyValues.namespace, sql.placeholder("namespace")),
        gte(keyValues.key, sql.placeholder("prefix")),
        or(isNull(keyValues.expiresAt), gt(keyValues.expiresAt, sql.placeholder("now"))),
      ),
    )
    .orderBy(asc(keyValues.key))
    .limit(sql.placeholder("limit"))
    .prepare(),
);

/**
 * The key-value space of one plug-in. `namespace` is its kind and name, `now` answers milliseconds since the Unix epoch. Keys are 1
 * to 512 characters, values JSON of at most 64 KiB, a ttl is a whole number of seconds from 1 on; anything else is a mistake of the
 * plug-in and throws ERR_INTERNAL.
 *
 * @example openKeyValueStore(store, "auth.email", Date.now)
 */
export function openKeyValueStore(store: Store, namespace: string, now: () => number): HostStore {
  const expiry = (ttl: number | undefined): number | null => {
    if (ttl === undefined) return null;
    if (!Number.isSafeInteger(ttl) || ttl < 1) throw refuse(`a ttl is a whole number of seconds from 1 on, not ${ttl}`);
    return now() + ttl * 1000;
  };
  const entryOf = (key: string, value: Json, ttl: number | undefined) => ({
    namespace,
    key: checkKey(key),
    value: writeValue(value),
    expiresAt: expiry(ttl),
  });
  const take = (key: string): Promise<string | undefined> =>
    store.write("takeValue", { namespace, key: checkKey(key), now: now() });

  return {
    get: async (key) => {
      const row = find(store.read).get({ namespace, key: checkKey(key) });
      return row === undefined || isExpired(row.expiresAt, now()) ? undefined : readValue(row.value);
    },
    put: async (key, value, ttl) => store.write("putValue", entryOf(key, value, ttl)),
    claim: async (key, value, ttl) => store.write("claimValue", { ...entryOf(key, value, ttl), now: now() }),
    take: async (key) => {
      const text = await take(key);
      return text === undefined ? undefined : readValue(text);
    },
    delete: async (key) => void (await take(key)),
    list: async (prefix, limit = 100) => {
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > mostListed)
        throw refuse(`a list has 1 to ${mostListed} entries, not ${limit}`);
      const rows = listFrom(store.read).all({ namespace, prefix, limit, now: now() });
      // Keys with one beginning stand side by side, from that beginning on: the first other key ends them. No pattern to escape.
      const end = rows.findIndex(({ key }) => !key.startsWith(prefix));
      return (end === -1 ? rows : rows.slice(0, end)).map(({ key, value }) => ({ key, value: readValue(value) }));
    },
  };
}

function checkKey(key: string): string {
  if (key === "" || key.length > mostKeyCharacters || !key.isWellFormed())
    throw refuse(`a key is 1 to ${mostKeyCharacters} characters of well-formed text`);
  return key;
}

function writeValue(value: Json): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw refuse("a value is JSON");
  if (Buffer.byteLength(text) > mostValueBytes) throw refuse(`a value is at most ${mostValueBytes} bytes of JSON`);
  return text;
}

function readValue(text: string): Json {
  return JSON.parse(text) as Json;
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_INTERNAL", reason, {});
}
