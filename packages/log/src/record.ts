import { decodeCbor, encodeCborInto, type CborValue } from "./cbor.ts";
import { equalBytes, fromHex, isCount, isPlainText, toHex } from "./encoding.ts";
import { recordError } from "./errors.ts";
import { FieldKey, isOutcome, isRecordType, Outcome, RecordType } from "./record-fields.ts";

/** One audit record. Personal values stand in it only as 32-byte commitments, a wallet only as a 16-byte tag. */
export interface AuditRecord {
  /** UUIDv7 text. */
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** A number of `RecordType`, or one of a plug-in from 1000 on. */
  readonly type: number;
  /** A number of `Outcome`. */
  readonly outcome: number;
  readonly account?: Uint8Array;
  readonly agent?: Uint8Array;
  readonly wallet?: Uint8Array;
  /** The config section's name. */
  readonly issuer?: string;
  readonly scope?: Uint8Array;
  /** 32 bytes: SHA-256 of the rights and ceilings in force. */
  readonly policy?: Uint8Array;
  readonly grant?: Uint8Array;
  readonly credential?: Uint8Array;
  /** Unix seconds [from, to]. */
  readonly validity?: readonly [number, number];
  /** UUIDv7 text of the intent, or of the record this one corrects. */
  readonly parent?: string;
  /** Error registry code. */
  readonly code?: string;
  readonly body?: RecordBody;
}

/** What is peculiar to a type: text keys; whole numbers ≥ 0, text, bytes, lists and maps. */
export interface RecordBody {
  readonly [key: string]: RecordBodyValue;
}
export type RecordBodyValue = number | string | Uint8Array | readonly RecordBodyValue[] | RecordBody;

const longestEntry = 4096;
const deepest = 8;

interface Field {
  readonly name: keyof AuditRecord;
  readonly form: string;
  readonly holds: (value: unknown) => boolean;
  readonly write?: (value: never) => unknown;
  readonly read?: (value: CborValue) => unknown;
}

const hash = { form: "32 bytes", holds: (value: unknown): boolean => isBytes(value, 32) };
const recordId = { form: "a UUIDv7", holds: isRecordId, write: writeId, read: readId };
const text = {
  form: "text in normal form, not empty",
  holds: (value: unknown): boolean => isPlainText(value) && value !== "",
};

const fields: ReadonlyMap<number, Field> = new Map<number, Field>([
  [FieldKey.id, { name: "id", ...recordId }],
  [FieldKey.time, { name: "time", form: "whole milliseconds", holds: isCount }],
  [FieldKey.type, { name: "type", form: "a listed type", holds: isRecordType }],
  [FieldKey.outcome, { name: "outcome", form: "from 0 to 4", holds: isOutcome }],
  [FieldKey.account, { name: "account", ...hash }],
  [FieldKey.agent, { name: "agent", ...hash }],
  [FieldKey.wallet, { name: "wallet", form: "16 bytes", holds: (value) => isBytes(value, 16) }],
  [FieldKey.issuer, { name: "issuer", ...text }],
  [FieldKey.scope, { name: "scope", ...hash }],
  [FieldKey.policy, { name: "policy", ...hash }],
  [FieldKey.grant, { name: "grant", ...hash }],
  [FieldKey.credential, { name: "credential", ...hash }],
  [FieldKey.validity, { name: "validity", form: "two whole numbers, from ≤ to", holds: isValidity }],
  [FieldKey.parent, { name: "parent", ...recordId }],
  [FieldKey.code, { name: "code", ...text }],
  [
    FieldKey.body,
    { name: "body", form: "a map of text keys, at most 8 deep", holds: (value) => isBody(value, 2), read: readBody },
  ],
]);

const needed: readonly (keyof AuditRecord)[] = ["id", "time", "type", "outcome"];
const neededWhenIssued: readonly (keyof AuditRecord)[] = [
  "account",
  "agent",
  "issuer",
  "scope",
  "grant",
  "credential",
  "validity",
];

/**
 * Entry bytes of a record: deterministic CBOR (RFC 8949 section 4.2.1), a map with whole-number keys, at most 4,096 bytes.
 * Throws ERR_AUDIT_RECORD for a record that the format does not allow.
 *
 * @example encodeRecord({ id, time: Date.now(), type: RecordType.heartbeat, outcome: Outcome.notApplicable })
 */
export function encodeRecord(record: AuditRecord): Uint8Array {
  assertNeeded(record);
  const map = new Map<number, unknown>([[FieldKey.version, 1]]);
  for (const [key, field] of fields) {
    const value = record[field.name];
    if (value === undefined) continue;
    if (!field.holds(value)) throw recordError(`${field.name} is not ${field.form}`);
    map.set(key, field.write === undefined ? value : field.write(value as never));
  }
  return entryBlock.slice(0, encodeEntry(map));
}

// As long as an entry may be, and written anew in each call, which nothing interrupts.
const entryBlock = new Uint8Array(longestEntry);

function encodeEntry(map: ReadonlyMap<number, unknown>): number {
  try {
    return encodeCborInto(map, entryBlock);
  } catch (error) {
    throw recordError("it is over 4,096 bytes", error);
  }
}

/** The record of entry bytes. Throws ERR_AUDIT_RECORD unless encoding the record again gives the very same bytes. */
export function decodeRecord(bytes: Uint8Array): AuditRecord {
  if (bytes.length > longestEntry) throw recordError("it is over 4,096 bytes");
  const map = decodeMap(bytes);
  if (map.get(FieldKey.version) !== 1) throw recordError("its version is not 1");
  const record: Record<string, unknown> = {};
  for (const [key, value] of map) {
    if (key === FieldKey.version) continue;
    const field = typeof key === "number" ? fields.get(key) : undefined;
    if (field === undefined) throw recordError("it has an unknown key");
    record[field.name] = field.read === undefined ? value : field.read(value);
  }
  if (!equalBytes(encodeRecord(record as unknown as AuditRecord), bytes))
    throw recordError("its encoding is not deterministic");
  return record as unknown as AuditRecord;
}

function decodeMap(bytes: Uint8Array): ReadonlyMap<number | string, CborValue> {
  let value: CborValue;
  try {
    value = decodeCbor(bytes);
  } catch (error) {
    throw recordError(error instanceof Error ? error.message : "it is not CBOR", error);
  }
  if (!(value instanceof Map)) throw recordError("it is not a map");
  return value as ReadonlyMap<number | string, CborValue>;
}

function assertNeeded(record: AuditRecord): void {
  const { type, outcome } = record;
  const missing = [
    ...needed,
    ...(type === RecordType.issued && outcome === Outcome.ok ? neededWhenIssued : []),
    ...(type === RecordType.denied ? (["code"] as const) : []),
  ].find((name) => record[name] === undefined);
  if (missing !== undefined) throw recordError(`${missing} is missing`);
}

function isBytes(value: unknown, length: number): boolean {
  return value instanceof Uint8Array && value.length === length;
}

function isRecordId(value: unknown): boolean {
  return (
    typeof value === "string" && /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u.test(value)
  );
}

function writeId(id: string): Uint8Array {
  return fromHex(id.replaceAll("-", ""));
}

function readId(value: CborValue): string {
  if (!(value instanceof Uint8Array)) throw recordError("an id is not bytes");
  return toHex(value).replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-");
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

function readBody(value: CborValue): unknown {
  if (!(value instanceof Map)) throw recordError("the body is not a map");
  return readBodyValue(value);
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
