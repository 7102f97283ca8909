import { hash } from "node:crypto";
import { toCrockford } from "@agentkeys/core";
import { equalBytes, walletTag, type CommitTools } from "@agentkeys/log";
import { storageError } from "../errors.ts";
import type { KeyFile, LogSecrets, SigningSeed } from "./key-file.ts";
import { Epoch, makeHeadKey, type EpochRow } from "./epoch.ts";
import type { Random } from "./openings.ts";
import { placeOf, type LogStore } from "../thread/store.ts";

const signingAtOnce = 2;
const mostTags = 4096;

/** Who the log is: its epochs, and the keys that its heads, tags and openings are made with. */
export class LogIdentity {
  readonly #store: LogStore;
  readonly #file: KeyFile;
  readonly #tags = new Map<string, Uint8Array>();
  #secrets: LogSecrets;
  #epochs: readonly Epoch[];

  private constructor(store: LogStore, file: KeyFile, secrets: LogSecrets) {
    this.#store = store;
    this.#file = file;
    this.#secrets = secrets;
    this.#epochs = readEpochs(store, secrets.signingKeys);
  }

  /**
   * Opens the identity that the database and the key file have together; a first boot makes it. Keys without their log, or a log
   * without its keys, are refused with ERR_AUDIT_LOG_KEY.
   */
  static open(store: LogStore, file: KeyFile, host: string, random: Random): LogIdentity {
    const isNew = store.read("SELECT secrets_hash FROM log") === undefined;
    if (isNew) makeFirst(store, file, host, random);
    const secrets = file.open((found) => fits(store, found));
    return new LogIdentity(store, file, secrets);
  }

  /** Every epoch, the one in use last. */
  get epochs(): readonly Epoch[] {
    return this.#epochs;
  }

  /** The epoch in use. */
  get current(): Epoch {
    return this.#epochs.at(-1) as Epoch;
  }

  /** The epoch that has the entry at a position. */
  epochOf(position: number): Epoch {
    return this.#epochs.findLast(({ firstPosition }) => firstPosition <= position) as Epoch;
  }

  /** How wallets are tagged; each tag is made once, as long as it is remembered. */
  get tags(): Required<Pick<CommitTools, "indexKey" | "tag">> {
    const indexKey = this.#secrets.walletIndexKey;
    const tag = (address: string): Uint8Array => {
      const known = this.#tags.get(address) ?? walletTag(indexKey, address);
      if (this.#tags.size >= mostTags) this.#tags.clear();
      this.#tags.set(address, known);
      return known;
    };
    return { indexKey, tag };
  }

  /** Key that the keys of openings are wrapped with. */
  get openingsKey(): Uint8Array {
    return this.#secrets.openingsKey;
  }

  /**
   * Gives an origin one more key, and the log one more epoch where the origin is new. In this order: the key is durable; it and what
   * `record` appends are in the database, in one transaction; it signs. Answers the new vkey.
   */
  addKey(origin: string, seed: Uint8Array, record: (vkey: string) => void): string {
    const earlier = this.#secrets.signingKeys;
    const kept = earlier.filter((key) => key.origin !== origin);
    const own = earlier.filter((key) => key.origin === origin).slice(1 - signingAtOnce);
    const secrets = { ...this.#secrets, signingKeys: [...kept, ...own, { origin, seed }] };
    const { vkey } = makeHeadKey(origin, seed);
    this.#file.prepare(secrets);
    this.#store.transact(() => {
      insertKey(this.#store, origin, vkey);
      this.#secrets = secrets;
      this.#epochs = readEpochs(this.#store, secrets.signingKeys);
      record(vkey);
    });
    this.#file.settle();
    return vkey;
  }
}

function makeFirst(store: LogStore, file: KeyFile, host: string, random: Random): void {
  file.assertNone();
  const origin = `${host}/audit/${toCrockford(random(5))}/1`;
  const [seed, walletIndexKey, openingsKey] = [random(32), random(32), random(32)] as const;
  const secrets = { walletIndexKey, openingsKey, signingKeys: [{ origin, seed }] };
  file.prepare(secrets);
  store.transact(() => {
    store.run("INSERT INTO log VALUES (1, ?)", hashOf(secrets));
    insertKey(store, origin, makeHeadKey(origin, seed).vkey);
  });
}

/** The rows of a key, and of its epoch where it is the first of one. */
function insertKey(store: LogStore, origin: string, vkey: string): void {
  const known = store.read("SELECT number FROM epochs WHERE origin = ?", origin) as { number: number } | undefined;
  const { entries, hashes } = store.counts();
  const next = (table: string): string => `INSERT INTO ${table} SELECT count(*) + 1, `;
  const epoch = known?.number ?? store.run(`${next("epochs")} ?, ?, ? FROM epochs`, origin, entries, hashes);
  store.run(`${next("keys")} ?, ? FROM keys`, epoch, vkey);
}

/** True for the secrets that the database was written with last: with all keys that sign, and no more. */
function fits(store: LogStore, secrets: LogSecrets): boolean {
  const row = store.read("SELECT secrets_hash AS hash FROM log") as { hash: Uint8Array };
  const signing = rowsOf(store).flatMap(({ vkeys }) => vkeys.slice(-signingAtOnce));
  const found = secrets.signingKeys.map(({ origin, seed }) => makeHeadKey(origin, seed).vkey);
  return equalBytes(hashOf(secrets), row.hash) && signing.join("\n") === found.join("\n");
}

function readEpochs(store: LogStore, seeds: readonly SigningSeed[]): readonly Epoch[] {
  const { entries, hashes } = store.counts();
  const rows = rowsOf(store);
  return rows.map((row, at) => {
    const { position = entries, place = hashes } = rows[at + 1] ?? {};
    const size = position - row.position;
    if (place - row.place !== placeOf(0, size))
      throw storageError(`there are ${place - row.place} hashes for ${size} entries`);
    const signers = seeds
      .filter(({ origin }) => origin === row.origin)
      .map(({ seed }) => makeHeadKey(row.origin, seed));
    return new Epoch(store, row, size, row.vkeys, signers.toReversed());
  });
}

function rowsOf(store: LogStore): readonly (EpochRow & { readonly vkeys: readonly string[] })[] {
  const sql = "SELECT number, origin, first_position AS position, first_place AS place FROM epochs ORDER BY number";
  return (store.list(sql) as readonly EpochRow[]).map((row) => {
    const keys = store.list("SELECT vkey FROM keys WHERE epoch = ? ORDER BY number", row.number);
    return { ...row, vkeys: (keys as readonly { vkey: string }[]).map(({ vkey }) => vkey) };
  });
}

function hashOf({ walletIndexKey, openingsKey }: LogSecrets): Buffer {
  return hash("sha256", Buffer.concat([walletIndexKey, openingsKey]), "buffer");
}
