import { describe, expect, it } from "vitest";
import { formatSignInMessage } from "../../../packages/auth-walletsig/src/sign-in-message.ts";
import { assertSiwsMessage } from "../src/sign-in/siws-message.ts";
import { siwsMessage } from "./account-broker.ts";
import { itRefusesForeignMessages } from "./foreign-messages.ts";

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

  itRefusesForeignMessages(
    (change) => siwsMessage(broker, address, change),
    (message) => assertSiwsMessage(message, expected),
    [
      ["another wallet", { who: "GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv" }],
      ["an Ethereum wallet", { who: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" }],
      ["another cluster", { chain: "solana:devnet" }],
      ["an Ethereum chain", { chain: "1" }],
      ["an Ethereum account", { ledger: "Ethereum" }],
    ],
  );
});
