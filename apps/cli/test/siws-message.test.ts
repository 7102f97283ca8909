import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSignInMessage } from "../../../packages/auth-walletsig/src/sign-in-message.ts";
import { assertSiwsMessage } from "../src/sign-in/siws-message.ts";
import { siwsMessage } from "./account-broker.ts";

const broker = "https://keys.example";
const address = "5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N";
const expected = { broker, address, chainId: "solana:mainnet" };
const refusal = expect.objectContaining({ code: "ERR_AUTH_BROKER" });

describe("a sign-in message for Solana", () => {
  it("of this broker, wallet and chain is signed", () => {
    expect(() => assertSiwsMessage(siwsMessage(broker, address), expected)).not.toThrow();
  });

  it("as the broker's plug-in writes it is signed, at a port and under a path too", () => {
    for (const url of [broker, "http://127.0.0.1:8787", "https://example.com/keys"]) {
      const times = { issuedAt: 0, expiresAt: 600_000, nonce: "0123456789abcdef" };
      const text = formatSignInMessage({ publicUrl: url, address, chainId: "solana:mainnet", ...times });
      expect(() => assertSiwsMessage(text, { ...expected, broker: url })).not.toThrow();
    }
  });

  it("without a statement has one blank line before its URI, and no other number of them", () => {
    const without = (blanks: string) => siwsMessage(broker, address).replace("\n\nSign in to AgentKeys.\n\n", blanks);
    expect(() => assertSiwsMessage(without("\n\n"), expected)).not.toThrow();
    for (const blanks of ["\n", "\n\n\n"]) expect(() => assertSiwsMessage(without(blanks), expected)).toThrow(refusal);
  });

  it.each([
    ["another domain", { domain: "evil.example" }],
    ["a domain that begins like ours", { domain: "keys.example.evil.example" }],
    ["our domain with a port", { domain: "keys.example:8443" }],
    ["another URI", { uri: "https://evil.example" }],
    ["a URI that begins like ours", { uri: "https://keys.example.evil.example" }],
    ["our URI by plain http", { uri: "http://keys.example" }],
    ["a URI that is none", { uri: "keys" }],
    ["another wallet", { who: "GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv" }],
    ["an Ethereum wallet", { who: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" }],
    ["another cluster", { chain: "solana:devnet" }],
    ["an Ethereum chain", { chain: "1" }],
    ["an Ethereum account", { ledger: "Ethereum" }],
    ["a scheme before the domain", { domain: "https://keys.example" }],
  ])("of %s is not signed", (_, change) => {
    expect(() => assertSiwsMessage(siwsMessage(broker, address, change), expected)).toThrow(refusal);
  });

  it.each([
    ["a first line before it", (text: string) => `evil.example wants something:\n${text}`],
    ["a line after it", (text: string) => `${text}\nhello`],
    ["a second URI line", (text: string) => text.replace("Version: 1", "URI: https://evil.example\nVersion: 1")],
    ["a statement of two lines", (text: string) => text.replace("Sign in to", "Pay\nSign in to")],
    ["carriage returns", (text: string) => text.replaceAll("\n", "\r\n")],
    ["the bytes of a transaction before it", (text: string) => `\u0001\u0000\u0001${text}`],
    ["nothing in it", () => ""],
  ])("with %s is not signed", (_, change) => {
    expect(() => assertSiwsMessage(change(siwsMessage(broker, address)), expected)).toThrow(refusal);
  });

  it("in which one character of the first seven lines is another is not signed, but for the statement", () => {
    const text = siwsMessage(broker, address);
    const head = text.indexOf("\nNonce");
    const statement = [text.indexOf("Sign in"), text.indexOf("\n\nURI")] as const;
    fc.assert(
      fc.property(fc.nat(head - 1), fc.constantFrom("x", "0", "\n", " ", "é"), (at, character) => {
        fc.pre(text[at] !== character && !(at >= statement[0] && at < statement[1]));
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        expect(() => assertSiwsMessage(changed, expected)).toThrow(refusal);
      }),
      { numRuns: 500 },
    );
  });
});
