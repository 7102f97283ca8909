import { equalBytes, isPlainText } from "./encoding.ts";
import { recordError } from "./errors.ts";
import { keyedHash, type Sha256 } from "./keyed-hash.ts";
import { FieldKey } from "./record-fields.ts";
import type { AuditRecord } from "./record.ts";

/** What opens one commitment of a record: whoever has it can check the value, nobody else can guess it. */
export interface Opening {
  /** The field's number in `FieldKey`: account, agent, scope, grant or credential. */
  readonly key: number;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** 32 bytes for the account, text for the others. */
  readonly value: string | Uint8Array;
}

/** A field that stands in a record as a commitment. */
export type CommittedField = "account" | "agent" | "scope" | "grant" | "credential";

const names: readonly CommittedField[] = ["account", "agent", "scope", "grant", "credential"];

/** Names of the committed fields, by key. */
export const committedFields: ReadonlyMap<number, CommittedField> = new Map(
  names.map((name) => [FieldKey[name], name]),
);

/**
 * Commitment to a field's value: HMAC-SHA256(salt, CBOR(["agentkeys/commit/v1", key, value])), 32 bytes. Throws
 * ERR_AUDIT_RECORD for a salt that is not 32 bytes and for a value that the field cannot have.
 */
export function commit(salt: Uint8Array, key: number, value: string | Uint8Array, sha256?: Sha256): Uint8Array {
  if (!isCommittable(key, value)) throw recordError(`the value of field ${key} is not one to commit to`);
  return keyedHash(salt, ["agentkeys/commit/v1", key, value], sha256);
}

/** Tag of a wallet: HMAC-SHA256(index key, CBOR(["agentkeys/index/v1", "wallet", canonical address])), cut to 16 bytes. */
export function walletTag(indexKey: Uint8Array, address: string, sha256?: Sha256): Uint8Array {
  return keyedHash(indexKey, ["agentkeys/index/v1", "wallet", address], sha256).slice(0, 16);
}

/** True when the opening is of one of the record's commitments and opens it. Never throws. */
export function isOpened(record: AuditRecord, opening: Opening): boolean {
  const { key, salt, value } = opening;
  const name = committedFields.get(key);
  const commitment = name === undefined ? undefined : record[name];
  if (commitment === undefined || salt.length !== 32 || !isCommittable(key, value)) return false;
  return equalBytes(commit(salt, key, value), commitment);
}

/** True for a value that the field may have: 32 bytes for the account, else text in normal form that is not empty. */
export function isCommittable(key: number, value: unknown): boolean {
  if (key === FieldKey.account) return value instanceof Uint8Array && value.length === 32;
  return committedFields.has(key) && isPlainText(value) && value !== "";
}
