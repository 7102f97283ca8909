import type { HostStore, Json } from "@agentkeys/core";
import { createFakeStore, type HostStoreFixture } from "../../src/index.ts";
import { turn, type HasFlaw } from "./schema.ts";

interface Row {
  value: Json;
  until: number;
}

/** A second, plain store over a map of rows, which several plug-ins can share. */
function open(rows: Map<string, Row>, namespace: string, now: () => number, has: HasFlaw): HostStore {
  const nameOf = (key: string): string => {
    const cut = has("cuts long keys") ? key.slice(0, 255) : key;
    return `${has("shares one space") ? "" : namespace}/${has("reads keys in any case") ? cut.toLowerCase() : cut}`;
  };
  const copy = (value: Json): Json => (has("keeps what it was given") ? value : structuredClone(value));
  const isOver = ({ until }: Row): boolean => until <= now() + (has("ends a second early") ? 1000 : 0);
  const find = (key: string, verb: string): Json | undefined => {
    const row = rows.get(nameOf(key));
    if (row === undefined || (isOver(row) && !has(`${verb}s what is over`))) return undefined;
    if (row.value === null && has("loses null")) return undefined;
    return copy(row.value);
  };
  const write = (key: string, value: Json, ttl?: number): void => {
    const old = rows.get(nameOf(key));
    const until = ttl === undefined ? Infinity : now() + ttl * 1000;
    const kept = has("keeps the first lifetime") && old !== undefined ? old.until : until;
    rows.set(nameOf(key), { value: copy(value), until: kept });
  };
  const isUnder = (name: string, prefix: string): boolean => {
    const key = name.slice(nameOf("").length);
    if (!name.startsWith(nameOf(""))) return false;
    if (has("reads a prefix as a pattern")) return new RegExp(`^${prefix.replaceAll("%", ".*")}`, "u").test(key);
    return key.startsWith(prefix);
  };
  return {
    get: async (key) => find(key, "get"),
    put: async (key, value, ttl) => write(key, value, ttl),
    async claim(key, value, ttl) {
      const isFree = find(key, "claim") === undefined;
      if (has("looks, then claims")) await turn();
      if (isFree || has("overwrites with a claim")) write(key, value, ttl);
      return isFree;
    },
    async take(key) {
      const value = find(key, "take");
      if (has("looks, then takes")) await turn();
      rows.delete(nameOf(key));
      return value;
    },
    async delete(key) {
      if (!has("deletes nothing")) rows.delete(nameOf(key));
    },
    async list(prefix, limit = has("lists without end") ? Infinity : 100) {
      const names = [...rows.keys()].filter((name) => isUnder(name, prefix));
      const live = names.filter((name) => !isOver(rows.get(name)!) || has("lists what is over"));
      const sorted = has("lists as it comes") ? live : live.toSorted();
      const cut = has("ignores the limit") ? sorted : sorted.slice(0, limit);
      return cut.map((name) => ({ key: name.slice(nameOf("").length), value: rows.get(name)!.value }));
    },
  };
}

/** The store with a neighbour and a clock. */
export function makeMapStoreFixture(has: HasFlaw = () => false): HostStoreFixture {
  const rows = new Map<string, Row>();
  let time = 0;
  const now = (): number => time;
  return {
    store: open(rows, "one", now, has),
    advance(milliseconds) {
      time += milliseconds;
    },
    reopen: async () => open(has("forgets when it is closed") ? new Map<string, Row>() : rows, "one", now, has),
    neighbour: () => open(rows, "other", now, has),
  };
}

/** The fake host's own store. */
export function makeFakeStoreFixture(): HostStoreFixture {
  let time = 0;
  return {
    store: createFakeStore(() => time),
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}
