import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { FieldKey, type Opening } from "@agentkeys/log";
import { storageError } from "../errors.ts";
import type { LogStore, SealedOpenings, StoredEntry } from "../thread/store.ts";

/** The values of an event that no leaf shows. */
export type PersonalValues = {
  readonly [Name in "account" | "agent" | "wallet" | "scope" | "grant" | "credential"]?: string | undefined;
};

/** What is behind the commitments and the tag of an entry. */
export interface Opened {
  /** By ascending key. */
  readonly openings: readonly Opening[];
  readonly personal: PersonalValues;
}

/** Gives out random bytes. */
export type Random = (length: number) => Uint8Array;

interface OwnerKey {
  readonly owner: number;
  readonly key: KeyObject;
}

const committed = ["account", "agent", "scope", "grant", "credential"] as const;
const algorithm = "aes-256-gcm";
const [nonceLength, tagLength, saltLength] = [12, 16, 32];
// Whose openings are those of events without an account. No account has this name: it is 64 characters.
const logItself = "";
const mostKeysKept = 4096;

/**
 * The openings of all entries, encrypted. Each account has a key of its own, and so has the log for events without an account; the
 * database has these keys wrapped by a key from the key file, and accounts only by a keyed tag. An account whose key is deleted is
 * erased: its openings are noise. A later event of the same account gets another key and opens nothing older.
 */
export class OpeningsVault {
  readonly #store: LogStore;
  readonly #wrappingKey: KeyObject;
  readonly #taggingKey: Uint8Array;
  readonly #kept = new Map<string, OwnerKey>();
  readonly #place = Buffer.alloc(24);

  /** `secret` is the key of the key file, 32 bytes. */
  constructor(store: LogStore, secret: Uint8Array) {
    const derive = (use: string): Buffer =>
      Buffer.from(hkdfSync("sha256", secret, "", `agentkeys/openings/${use}/v1`, 32));
    this.#store = store;
    this.#wrappingKey = createSecretKey(derive("wrap"));
    this.#taggingKey = derive("tag");
  }

  /** Encrypts for the account, to be written in the same transaction. Takes up to 56 random bytes. */
  seal(opened: Opened, id: Uint8Array, position: number, random: Random): SealedOpenings {
    const { account = logItself } = opened.personal;
    const { owner, key } = this.#keyOf(account) ?? this.#makeKey(account, random);
    return { owner, sealed: encrypt(key, this.#placeOf(id, position), format(opened), random) };
  }

  /** What opens the entry; undefined where it has nothing to open, or its account is erased. */
  open({ id, position, sealed: row }: StoredEntry): Opened | undefined {
    const wrapped = row && this.#store.read("SELECT tag, wrapped FROM owners WHERE number = ?", row.owner);
    if (row === undefined || wrapped === undefined) return undefined;
    const key = this.#unwrap(wrapped as WrappedKey);
    return key && parse(decrypt(key, this.#placeOf(id, position), row.sealed));
  }

  /** The number of the account's rows; undefined for an account that has none or is erased. */
  ownerOf(account: string): number | undefined {
    return account === logItself ? undefined : this.#keyOf(account)?.owner;
  }

  /** Deletes the key of the account, from the file and all that SQLite keeps beside it. */
  erase(account: string): void {
    const owner = this.ownerOf(account);
    this.#kept.delete(account);
    if (owner !== undefined) {
      // In place, the row as long as it was: a row taken out could leave a copy of its neighbours where pages are joined.
      const row = Buffer.alloc(tagLength);
      row.writeUIntBE(owner, 10, 6);
      this.#store.run("UPDATE owners SET tag = ?, wrapped = zeroblob(60) WHERE number = ?", row, owner);
    }
    this.#store.truncate();
  }

  #keyOf(account: string): OwnerKey | undefined {
    const known = this.#kept.get(account);
    if (known !== undefined) return known;
    const sql = "SELECT number, tag, wrapped FROM owners WHERE tag = ?";
    const row = this.#store.read(sql, this.#tagOf(account)) as (WrappedKey & { number: number }) | undefined;
    const key = row && this.#unwrap(row);
    return row && key && this.#keep(account, { owner: row.number, key });
  }

  #makeKey(account: string, random: Random): OwnerKey {
    const [tag, key] = [this.#tagOf(account), random(32)];
    const wrapped = encrypt(this.#wrappingKey, tag, key, random);
    const owner = this.#store.run("INSERT INTO owners (tag, wrapped) VALUES (?, ?)", tag, wrapped);
    return this.#keep(account, { owner, key: createSecretKey(key) });
  }

  #keep(account: string, found: OwnerKey): OwnerKey {
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size >= mostKeysKept) this.#kept.delete(oldest);
    this.#kept.set(account, found);
    return found;
  }

  #unwrap({ tag, wrapped }: WrappedKey): KeyObject | undefined {
    return wrapped.some((byte) => byte !== 0) ? createSecretKey(decrypt(this.#wrappingKey, tag, wrapped)) : undefined;
  }

  #tagOf(account: string): Buffer {
    return createHmac("sha256", this.#taggingKey).update(account).digest().subarray(0, tagLength);
  }

  /** What binds a ciphertext to its record: an opening put beside another one is not opened. */
  #placeOf(id: Uint8Array, position: number): Buffer {
    this.#place.set(id);
    this.#place.writeUIntBE(position, 18, 6);
    return this.#place;
  }
}

interface WrappedKey {
  readonly tag: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** AES-256-GCM (NIST SP 800-38D) under a fresh nonce: nonce, tag, ciphertext. */
function encrypt(key: KeyObject, bound: Uint8Array, plain: Uint8Array, random: Random): Buffer {
  const nonce = random(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(bound);
  const ciphertext = cipher.update(plain);
  cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

function decrypt(key: KeyObject, bound: Uint8Array, sealed: Uint8Array): Buffer {
  try {
    const tag = sealed.subarray(nonceLength, nonceLength + tagLength);
    const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceLength), { authTagLength: tagLength });
    const plain = decipher
      .setAAD(bound)
      .setAuthTag(tag)
      .update(sealed.subarray(nonceLength + tagLength));
    decipher.final();
    return plain;
  } catch (error) {
    throw storageError("what opens an entry is not what was written", error);
  }
}

function format({ openings, personal }: Opened): Buffer {
  const salts = openings.map(({ salt }) => salt);
  return Buffer.concat([Buffer.of(salts.length), ...salts, Buffer.from(JSON.stringify(personal))]);
}

function parse(plain: Buffer): Opened {
  const saltAt = (at: number): number => 1 + saltLength * at;
  const personal = JSON.parse(plain.toString("utf8", saltAt(plain[0] ?? 0))) as PersonalValues;
  const present = committed.filter((name) => personal[name] !== undefined);
  const openings = present.map((name, at) => {
    const value = personal[name] as string;
    const salt = plain.subarray(saltAt(at), saltAt(at + 1));
    return { key: FieldKey[name], salt, value: name === "account" ? Buffer.from(value, "hex") : value };
  });
  return { openings, personal };
}
