import type { AuditEvent } from "@agentkeys/core";
import { decodeCbor, encodeCborInto, type CborValue } from "./cbor.ts";
import { equalBytes, fromHex, isCount, isPlainText, toHex } from "./encoding.ts";
import { recordError } from "./errors.ts";
import { FieldKey, isRecordType, Outcome, RecordType } from "./record-fields.ts";

type PlainFields = Pick<AuditEvent, "id" | "time" | "type" | "outcome" | "issuer" | "validity" | "parent" | "code">;

/**
 * One audit record. Its plain fields are those of the event; personal values stand in it only as 32-byte commitments, the
 * wallet only as a 16-byte tag.
 */
export interface AuditRecord extends PlainFields {
  readonly account?: Uint8Array;
  readonly agent?: Uint8Array;
  readonly wallet?: Uint8Array;
  readonly scope?: Uint8Array;
  /** 32 bytes: SHA-256 of the rights and ceilings in force. */
  readonly policy?: Uint8Array;
  readonly grant?: Uint8Array;
  readonly credential?: Uint8Array;
  readonly body?: RecordBody;
}

/** What is peculiar to a type: text keys; whole numbers ≥ 0, text, bytes, lists and maps. */
export interface RecordBody {
  readonly [key: string]: RecordBodyValue;
}

/** A value in a body, of any depth that the record's limit of 8 leaves. */
export type RecordBodyValue = number | string | Uint8Array | readonly RecordBodyValue[] | RecordBody;

type Name = keyof AuditRecord;

interface Field {
  readonly form: string;
  readonly holds: (value: unknown) => boolean;
  readonly write?: (value: never) => unknown;
  readonly read?: (value: CborValue) => unknown;
}

const longestEntry = 4096;
const deepest = 8;
const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;
const hash: Field = { form: "32 bytes", holds: (value) => isBytes(value, 32) };
const text: Field = { form: "text in normal form, not empty", holds: (value) => isPlainText(value) && value !== "" };
const recordId: Field = {
  form: "a UUIDv7",
  holds: (value) => typeof value === "string" && uuidv7.test(value),
  write: (id: string) => fromHex(id.replaceAll("-", "")),
  read: (value) =>
    value instanceof Uint8Array ? toHex(value).replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-") : value,
};

const fields: Readonly<Record<Name, Field>> = {
  id: recordId,
  time: { form: "whole milliseconds", holds: isCount },
  type: { form: "a listed type", holds: isRecordType },
  outcome: { form: "from 0 to 4", holds: (value) => isCount(value) && value <= 4 },
  account: hash,
  agent: hash,
  wallet: { form: "16 bytes", holds: (value) => isBytes(value, 16) },
  issuer: text,
  scope: hash,
  policy: hash,
  grant: hash,
  credential: hash,
  validity: { form: "two whole numbers, from ≤ to", holds: isValidity },
  parent: recordId,
  code: text,
  body: { form: "a map of text keys, at most 8 deep", holds: (value) => isBody(value, 2), read: readBodyValue },
};
const byName = Object.entries(fields) as [Name, Field][];
const byKey = new Map(byName.map(([name, field]) => [FieldKey[name] as CborValue, { name, ...field }]));

const always: readonly Name[] = ["id", "time", "type", "outcome"];
const whenDenied: readonly Name[] = [...always, "code"];
const committed: readonly Name[] = ["account", "agent", "scope", "grant", "credential"];
const whenIssued: readonly Name[] = [...always, ...committed, "issuer", "validity"];

/**
 * Entry bytes of a record: deterministic CBOR (RFC 8949 section 4.2.1), a map with whole-number keys, at most 4,096 bytes.
 * Throws ERR_AUDIT_RECORD for a record that the format does not allow.
 *
 * @example encodeRecord({ id, time: Date.now(), type: RecordType.heartbeat, outcome: Outcome.notApplicable })
 */
export function encodeRecord(record: AuditRecord): Uint8Array {
  const missing = neededIn(record).find((name) => record[name] === undefined);
  if (missing !== undefined) throw recordError(`${missing} is missing`);
  const map = new Map<number, unknown>([[FieldKey.version, 1]]);
  for (const [name, field] of byName) {
    const value = record[name];
    if (value === undefined) continue;
    if (!field.holds(value)) throw recordError(`${name} is not ${field.form}`);
    map.set(FieldKey[name], field.write === undefined ? value : field.write(value as never));
  }
  try {
    return entryBlock.slice(0, encodeCborInto(map, entryBlock));
  } catch (error) {
    throw recordError("it is over 4,096 bytes", error);
  }
}

// As long as an entry may be, and written anew in each call, which nothing interrupts.
const entryBlock = new Uint8Array(longestEntry);

/** The record of entry bytes. Throws ERR_AUDIT_RECORD unless encoding the record again gives the very same bytes. */
export function decodeRecord(bytes: Uint8Array): AuditRecord {
  if (bytes.length > longestEntry) throw recordError("it is over 4,096 bytes");
  const map = decodeMap(bytes);
  if (map.get(FieldKey.version) !== 1) throw recordError("its version is not 1");
  const record: Record<string, unknown> = {};
  for (const [key, value] of map) {
    if (key === FieldKey.version) continue;
    const field = byKey.get(key);
    if (field === undefined) throw recordError("it has an unknown key");
    record[field.name] = field.read === undefined ? value : field.read(value);
  }
  const read = record as unknown as AuditRecord;
  if (!equalBytes(encodeRecord(read), bytes)) throw recordError("its encoding is not deterministic");
  return read;
}

function decodeMap(bytes: Uint8Array): ReadonlyMap<number | string, CborValue> {
  try {
    const value = decodeCbor(bytes);
    if (value instanceof Map) return value as ReadonlyMap<number | string, CborValue>;
  } catch (error) {
    throw recordError(error instanceof Error ? error.message : "it is not CBOR", error);
  }
  throw recordError("it is not a map");
}

function neededIn({ type, outcome }: AuditRecord): readonly Name[] {
  if (type === RecordType.denied) return whenDenied;
  return type === RecordType.issued && outcome === Outcome.ok ? whenIssued : always;
}

function isBytes(value: unknown, length: number): boolean {
  return value instanceof Uint8Array && value.length === length;
}

function isValidity(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [from, to] = value as readonly unknown[];
  return isCount(from) && isCount(to) && from <= to;
}

function isBody(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return depth <= deepest && entries.every(([key, inner]) => isPlainText(key) && isBodyValue(inner, depth + 1));
}

function isBodyValue(value: unknown, depth: number): boolean {
  if (isCount(value) || isPlainText(value) || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return depth <= deepest && value.every((inner) => isBodyValue(inner, depth + 1));
  return isBody(value, depth);
}

function readBodyValue(value: CborValue): unknown {
  if (Array.isArray(value)) return value.map(readBodyValue);
  if (!(value instanceof Map)) return value;
  // fromEntries makes own properties of any name, `__proto__` included.
  return Object.fromEntries(
    Array.from(value as ReadonlyMap<number | string, CborValue>, ([key, inner]) => {
      if (typeof key !== "string") throw recordError("a key of the body is not text");
      return [key, readBodyValue(inner)];
    }),
  );
}
