import { isAgentKeysError } from "@agentkeys/core";
import { encode, rfc8949EncodeOptions } from "cborg";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeRecord,
  encodeRecord,
  FieldKey,
  Outcome,
  RecordType,
  recordTypeName,
  type AuditRecord,
} from "../src/index.ts";
import { anyRecord } from "./arbitraries.ts";
import { bytes, hex } from "./vectors.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_RECORD", facts: { reason: expect.any(String) } });
const heartbeat: AuditRecord = {
  id: "019ab697-e800-768b-93c4-6360074e0ce1",
  time: 1764000000000,
  type: RecordType.heartbeat,
  outcome: Outcome.notApplicable,
};

describe("a record", () => {
  it("that is encoded decodes to itself, and its encoding is that of RFC 8949 section 4.2.1", () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const entry = encodeRecord(record);
        expect(decodeRecord(entry)).toEqual(record);
        const map = new Map<number, unknown>([[0, 1]]);
        for (const [name, key] of Object.entries(FieldKey)) {
          const value = record[name as keyof AuditRecord];
          const id = name === "id" || name === "parent";
          if (value !== undefined) map.set(key, id ? bytes((value as string).replaceAll("-", "")) : value);
        }
        expect(hex(entry)).toBe(hex(encode(map, rfc8949EncodeOptions)));
      }),
    );
  });

  it("with any byte changed is refused, or is another record with its own one encoding", () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, change) => {
        const entry = encodeRecord(record);
        const at = place % entry.length;
        const changed = entry.with(at, (entry[at] as number) ^ change);
        expect(encodedAgain(changed) ?? changed).toEqual(changed);
      }),
      { numRuns: 1000 },
    );
  });

  it("read from any bytes either has them as its one encoding or is refused with ERR_AUDIT_RECORD", () => {
    const noise = fc.uint8Array({ maxLength: 60 });
    const started = noise.map((tail) => Uint8Array.of(0xa5, 0x00, 0x01, 0x01, 0x50, ...tail));
    fc.assert(
      fc.property(fc.oneof(noise, started), (entry) => {
        expect(encodedAgain(entry) ?? entry).toEqual(entry);
      }),
      { numRuns: 2000 },
    );
  });

  it("does not change when the bytes it was read from do", () => {
    const entry = Buffer.from(encodeRecord({ ...heartbeat, policy: new Uint8Array(32).fill(7) }));
    const record = decodeRecord(entry);
    entry.fill(0);
    expect(record.policy).toEqual(new Uint8Array(32).fill(7));
  });

  it("nested thousands deep is refused like any other", () => {
    const deep = Uint8Array.from([0xa1, 0x10, 0xa1, 0x61, 0x78, ...Array<number>(4000).fill(0x81), 0x01]);
    expect(() => decodeRecord(deep)).toThrow(refused);
  });

  it("may start a text with a byte order mark, which stays", () => {
    const record = { ...heartbeat, issuer: "\u{feff}oidc" };
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
  });

  it("may be 4,096 bytes long and not 4,097", () => {
    const filled = (length: number) => ({ ...heartbeat, issuer: "x".repeat(length) });
    const room = 4096 - encodeRecord(filled(1000)).length + 1000;
    expect(encodeRecord(filled(room))).toHaveLength(4096);
    expect(() => encodeRecord(filled(room + 1))).toThrow(refused);
  });

  it("holds maps and lists 8 deep, its own map counted, and no deeper", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const record = (lists: number) => ({ ...heartbeat, body: { x: nested(lists) } }) as AuditRecord;
    expect(decodeRecord(encodeRecord(record(6)))).toEqual(record(6));
    expect(() => encodeRecord(record(7))).toThrow(refused);
  });

  it.each<[string, object]>([
    ["an id that is not a UUIDv7", { id: "019ab697-e800-468b-93c4-6360074e0ce1" }],
    ["an id in upper case", { id: "019AB697-e800-768b-93c4-6360074e0ce1" }],
    ["a parent that is not a UUIDv7", { parent: "" }],
    ["a negative time", { time: -1 }],
    ["a fractional time", { time: 0.5 }],
    ["an integer-valued float past 2^53-1", { time: 3.4028234663852886e38 }],
    ["an unlisted type", { type: 6 }],
    ["outcome 5", { outcome: 5 }],
    ["an account of 31 bytes", { account: new Uint8Array(31) }],
    ["a wallet of 32 bytes", { wallet: new Uint8Array(32) }],
    ["an empty issuer", { issuer: "" }],
    ["an issuer that is not NFC", { issuer: "e\u0301" }],
    ["half a surrogate pair", { issuer: "\ud800" }],
    ["validity that ends before it starts", { validity: [2, 1] }],
    ["validity without an end", { validity: [1] }],
    ["a denial without a code", { type: RecordType.denied, outcome: Outcome.denied }],
    ["an issued credential without its fields", { type: RecordType.issued, outcome: Outcome.ok }],
    ["a body that is a list", { body: [1] }],
    ["true in the body", { body: { x: true } }],
    ["null in the body", { body: { x: null } }],
    ["undefined in the body", { body: { x: undefined } }],
    ["a negative number in the body", { body: { x: -1 } }],
    ["a fraction in the body", { body: { x: 0.5 } }],
    ["a body key that is not NFC", { body: { "e\u0301": 1 } }],
  ])("with %s is not encoded", (_, wrong) => {
    expect(() => encodeRecord({ ...heartbeat, ...wrong })).toThrow(refused);
  });

  it.each([
    ["a float32 of whole value", "fa7f7fffff"],
    ["a float16 of whole value", "f93c00"],
    ["a float64 of whole value", "fb41d0000000000000"],
    ["undefined", "f7"],
    ["a break", "ff"],
    ["an indefinite text", "7f6161ff"],
  ])("whose time is %s is refused", (_, item) => {
    expect(() => decodeRecord(bytes(`a500010150019ab697e800703dabf17626600c130d02${item}03182a0400`))).toThrow(refused);
    expect(() =>
      decodeRecord(bytes(`a600010150019ab697e800703dabf17626600c130d020003182a040010a16178${item}`)),
    ).toThrow(refused);
  });
});

it("record types have names in words", () => {
  expect([2, 11, 43, 1001].map(recordTypeName)).toEqual([
    "issued",
    "session revoked",
    "sign in failures",
    "plug-in type 1001",
  ]);
});

/** The encoding of the record that these bytes are; undefined when they are refused as no record. */
function encodedAgain(entry: Uint8Array): Uint8Array | undefined {
  try {
    return encodeRecord(decodeRecord(entry));
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_RECORD")) return undefined;
    throw error;
  }
}
