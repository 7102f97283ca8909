import type { AuditEvent } from "@agentkeys/core";
import { createHmac, hash } from "node:crypto";
import { encode } from "cborg";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commit, commitEvent, decodeRecord, FieldKey, isOpened, walletTag } from "../src/index.ts";
import { event, random } from "./made-receipt.ts";
import { bytes, hex } from "./vectors.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_RECORD" });
const indexKey = random(32);
const tools = { random, indexKey };
const values = [
  [FieldKey.account, bytes(event.account ?? "")],
  [FieldKey.agent, event.agent],
  [FieldKey.scope, event.scope],
  [FieldKey.grant, event.grant],
  [FieldKey.credential, event.credential],
];

describe("committing to an event", () => {
  it("leaves no personal value in the entry, and its openings open every commitment", () => {
    const { entry, openings } = commitEvent(event, tools);
    const record = decodeRecord(entry);
    const { id, time, type, outcome, issuer, validity } = event;
    expect(record).toMatchObject({ id, time, type, outcome, issuer, validity, policy: bytes(event.policy ?? "") });
    expect(record.wallet).toEqual(walletTag(indexKey, event.wallet ?? ""));
    expect(openings.map(({ key, value }) => [key, value])).toEqual(values);
    for (const opening of openings) expect(isOpened(record, opening)).toBe(true);
    const written = Buffer.from(entry).toString("latin1");
    for (const value of [event.agent, event.wallet, event.scope, event.grant, event.credential]) {
      expect(written).not.toContain(value);
    }
    expect(hex(entry)).not.toContain(event.account);
  });

  it("gives every commitment a salt of its own, so the same event twice shares none", () => {
    const all = [commitEvent(event, tools), commitEvent(event, tools)].flatMap(({ openings }) => openings);
    expect(new Set(all.map(({ salt }) => Buffer.from(salt).toString("hex"))).size).toBe(10);
  });

  it("gives the same bytes with a SHA-256 lent by the host", () => {
    const fixed = { indexKey, random: (length: number) => new Uint8Array(length).fill(7) };
    const sha256 = (input: Uint8Array) => hash("sha256", input, "buffer");
    expect(commitEvent(event, { ...fixed, sha256 })).toEqual(commitEvent(event, fixed));
  });

  it("takes an event without personal values, with body, code and parent", () => {
    const { id, time } = event;
    const plain = {
      id,
      time,
      type: 51,
      outcome: 3,
      code: "ERR_X",
      parent: id,
      body: { anchor: "s3", list: [1, { a: "b" }] },
    };
    const { entry, openings } = commitEvent(plain, tools);
    expect(openings).toEqual([]);
    expect(decodeRecord(entry)).toEqual(plain);
  });

  it.each<[string, Partial<AuditEvent>]>([
    ["an account that is not lower hex of 32 bytes", { account: "AB".repeat(32) }],
    ["a policy of another length", { policy: "ab" }],
    ["an empty agent", { agent: "" }],
    ["a scope that is not NFC", { scope: "e\u0301" }],
    ["half a surrogate pair in the grant", { grant: "\udc00" }],
    ["an id that is not a UUIDv7", { id: "x" }],
    ["an unlisted type", { type: 999 }],
  ])("refuses %s", (_, wrong) => {
    expect(() => commitEvent({ ...event, ...wrong }, tools)).toThrow(refused);
  });
});

describe("a commitment", () => {
  it("is the HMAC-SHA256 of RFC 2104, for values of any length", () => {
    const salts = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const start = fc.string({ unit: "grapheme", minLength: 1 }).map((part) => part.normalize("NFC"));
    const texts = fc.tuple(start, fc.nat({ max: 9000 })).map(([part, more]) => part + "é".repeat(more));
    fc.assert(
      fc.property(salts, fc.constantFrom(6, 9, 11, 12), texts, (salt, key, text) => {
        const expected = createHmac("sha256", salt)
          .update(encode(["agentkeys/commit/v1", key, text]))
          .digest();
        expect(Buffer.from(commit(salt, key, text))).toEqual(expected);
      }),
    );
  });

  it("is opened by its own key, salt and value only, and never by an error", () => {
    const { entry, openings } = commitEvent(event, tools);
    const record = decodeRecord(entry);
    const agent = openings[1];
    if (agent === undefined) throw new Error("no opening");
    const wrong = [
      { key: 9 },
      { key: 10 },
      { key: 99 },
      { salt: agent.salt.with(0, (agent.salt[0] ?? 0) ^ 1) },
      { salt: agent.salt.slice(1) },
      { value: `${event.agent}x` },
      { value: "" },
      { value: "\ud800" },
      { value: new Uint8Array(32) },
    ];
    expect(isOpened(record, agent)).toBe(true);
    for (const change of wrong) expect(isOpened(record, { ...agent, ...change })).toBe(false);
    const { agent: _, ...without } = record;
    expect(isOpened(without, agent)).toBe(false);
  });

  it("is refused for a salt of another length, a field without one, and a value of the wrong kind", () => {
    expect(() => commit(random(31), 6, "agt_1")).toThrow(refused);
    expect(() => commit(random(32), 7, "agt_1")).toThrow(refused);
    expect(() => commit(random(32), 5, "agt_1")).toThrow(refused);
    expect(() => commit(random(32), 6, random(32))).toThrow(refused);
    expect(() => walletTag(random(16), "0x00")).toThrow(refused);
  });
});
