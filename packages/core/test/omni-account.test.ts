import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalAddress,
  canonicalIdentity,
  checksumAddress,
  isAgentKeysError,
  omniAccount,
  type Identity,
} from "../src/index.ts";
import { vectors } from "./vectors.ts";

describe("vectors of OmniAccount", () => {
  it("the client is agentkeys where none is named", () => {
    const { type, value, omni } = vectors.omnis[0]!;
    expect(omniAccount({ type, value })).toBe(omni);
  });
  it.each(vectors.omnis)("$client_id, $type, $value is $omni", ({ client_id: clientId, type, value, omni }) => {
    expect(omniAccount({ type, value }, clientId)).toBe(omni);
  });
  it.each(vectors.identity_texts)("$type $raw is $value", ({ type, raw, value }) => {
    expect(canonicalIdentity(type, raw)).toEqual({ type, value });
  });
});

// The test cases of EIP-55: all upper, all lower, and four of mixed case.
const eip55 = [
  "0x52908400098527886E0F7030069857D2E4169EE7",
  "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
  "0xde709f2102306220921060314715629080e2fb77",
  "0x27b1fdb04752bbc536007a920d24acb045561c26",
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
  "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
  "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
];

describe("EIP-55", () => {
  it.each(eip55)("%s is the spelling of its address", (address) => {
    expect(checksumAddress(address.toLowerCase())).toBe(address);
    expect(canonicalAddress(address)).toBe(address.toLowerCase());
    expect(canonicalAddress(address.toLowerCase())).toBe(address.toLowerCase());
    expect(canonicalAddress(`0x${address.slice(2).toUpperCase()}`)).toBe(address.toLowerCase());
  });
  it("one letter of the other case is refused in an address of both cases", () => {
    const spoiled = eip55.slice(4).flatMap((address) =>
      [...address.matchAll(/[a-f]/giu)].map(({ 0: letter, index }) => {
        const turned = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
        return address.slice(0, index) + turned + address.slice(index + 1);
      }),
    );
    expect(spoiled.length).toBeGreaterThan(60);
    for (const address of spoiled) expect(() => canonicalAddress(address)).toThrow(/EIP-55/u);
  });
});

describe("canonicalIdentity", () => {
  it.each([
    ["email", "Ada@EXAMPLE.com", "ada@example.com"],
    ["email", "o'hara+tag@mail.example.com", "o'hara+tag@mail.example.com"],
    ["solana", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"],
    ["constructor", "a value", "a value"],
  ])("of type %s, %s is %s", (type, raw, value) => {
    const identity = canonicalIdentity(type, raw);
    expect(identity).toStrictEqual({ type, value });
    expect(Object.isFrozen(identity)).toBe(true);
  });

  it.each([
    ["email", "ada"],
    ["email", "@example.com"],
    ["email", "ada@"],
    ["email", "ada@example..com"],
    ["email", "ada@example.com."],
    ["email", "ada@-example.com"],
    ["email", "ada@example.com:25"],
    ["email", "ada@example.com/x"],
    ["email", "ada@exa%6dple.com"],
    ["email", "ada@[127.0.0.1]"],
    ["email", "ada@127.1"],
    ["email", "ada@1"],
    ["email", "ada@0x7f.1"],
    ["email", "ada love@example.com"],
    ["email", "Ada <ada@example.com>"],
    ["email", "ada,ben@example.com"],
    ["email", "ada@ben@example.com"],
    ["email", "ada\r\nbcc:x@example.com"],
    ["email", `${"a".repeat(250)}@example.com`],
    ["email", `${"a".repeat(240)}@ä.example`],
    ["evm", "0x123"],
    ["evm", "d8dA6BF26964aF9D7eEd9e03E53415D37aA96045"],
    ["evm", "0Xd8da6bf26964af9d7eed9e03e53415d37aa96045"],
    ["evm", " 0xd8da6bf26964af9d7eed9e03e53415d37aa96045"],
    ["eip155_contract", "0x0000000071727De22E5E9d8BAf0edAc6f37da032"],
    ["eip155_contract", "01:0x0000000071727De22E5E9d8BAf0edAc6f37da032"],
    ["eip155_contract", "1:0x0000000071727de22e5e9d8baf0edac6f37dA032"],
    ["solana", ""],
    ["solana", "a\nb"],
    ["solana", "\ud800"],
    ["solana", "x".repeat(1025)],
    ["EVM", "x"],
    ["", "x"],
    ["a-b", "x"],
    ["x".repeat(33), "x"],
  ])("refuses %s %s with ERR_REQUEST_MALFORMED", (type, raw) => {
    expect(() => canonicalIdentity(type, raw)).toThrow(expect.objectContaining({ code: "ERR_REQUEST_MALFORMED" }));
  });

  it("of a canonical value is that value", () => {
    const types = fc.constantFrom("evm", "email", "eip155_contract", "solana", "oidc", "constructor");
    const words = fc.string({ unit: "grapheme", maxLength: 20 });
    const mails = fc.tuple(words, fc.oneof(words, fc.domain())).map(([local, domain]) => `${local}@${domain}`);
    let taken = 0;
    fc.assert(
      fc.property(types, fc.oneof(mails, words, fc.string({ unit: "binary" })), (type, raw) => {
        const once = unlessMalformed(type, raw);
        if (once === undefined) return;
        taken += 1;
        expect(canonicalIdentity(type, once.value)).toStrictEqual(once);
      }),
      { numRuns: 2000 },
    );
    expect(taken).toBeGreaterThan(200);
  });
});

/** What the text stands for, or undefined when it is refused as it should be. */
function unlessMalformed(type: string, raw: string): Identity | undefined {
  try {
    return canonicalIdentity(type, raw);
  } catch (error) {
    if (isAgentKeysError(error, "ERR_REQUEST_MALFORMED")) return undefined;
    throw error;
  }
}

describe("omniAccount", () => {
  it("differs wherever two parts are cut otherwise", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(8), (one, other, cut) => {
        const joined = one + other;
        const at = Math.min(cut, joined.length);
        fc.pre(at !== one.length);
        const moved = { type: joined.slice(0, at), value: joined.slice(at) };
        expect(omniAccount({ type: one, value: other })).not.toBe(omniAccount(moved));
      }),
    );
  });
  it("takes a part of 65,535 bytes and refuses one of 65,536", () => {
    expect(omniAccount({ type: "x", value: "é".repeat(32_767) })).toMatch(/^[0-9a-f]{64}$/u);
    expect(() => omniAccount({ type: "x", value: "é".repeat(32_768) })).toThrow(/65,535/u);
  });
});
