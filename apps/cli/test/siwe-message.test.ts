import { describe, expect, it } from "vitest";
import { assertBindingText } from "../src/sign-in/bind-wallet.ts";
import { assertSiweMessage } from "../src/sign-in/siwe-message.ts";
import { bindingText, siweMessage } from "./account-broker.ts";
import { itRefusesForeignMessages } from "./foreign-messages.ts";

const broker = "https://keys.example";
const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const expected = { broker, address, chainId: 1 };
const refusal = expect.objectContaining({ code: "ERR_AUTH_BROKER" });

describe("a sign-in message (EIP-4361)", () => {
  it("of this broker, wallet and chain is signed", () => {
    expect(() => assertSiweMessage(siweMessage(broker, address), expected)).not.toThrow();
  });

  // The example of EIP-4361, which has no expiration and no statement twice.
  it("as the EIP writes it is read", () => {
    const text = `example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json`;
    const owner = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
    expect(() =>
      assertSiweMessage(text, { broker: "https://example.com/login", address: owner, chainId: 1 }),
    ).not.toThrow();
    expect(() => assertSiweMessage(text, { broker: "https://example.com", address: owner, chainId: 1 })).toThrow(
      refusal,
    );
  });

  itRefusesForeignMessages(
    (change) => siweMessage(broker, address, change),
    (message) => assertSiweMessage(message, expected),
    [
      ["another wallet", { who: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8" }],
      ["our wallet without its checksum", { who: address.toLowerCase() }],
      ["another chain", { chain: "10" }],
    ],
  );
});

describe("a text that binds a wallet", () => {
  const account = "ab".repeat(32);
  const text = bindingText(broker, account, address);
  const named = { broker, account, address };

  it("that names broker, account and address is signed", () => {
    expect(() => assertBindingText(text, named)).not.toThrow();
  });

  it.each([
    ["names another broker", text.replace(broker, "https://evil.example")],
    ["names a broker that begins like ours", text.replace(broker, `${broker}.evil.example`)],
    ["names another account", text.replace(account, "cd".repeat(32))],
    ["names another wallet", text.replace(address, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")],
    ["names two brokers", text.replace("Nonce", "Broker: https://evil.example\nNonce")],
    ["names no account", text.replace("Account", "account")],
    ["is a sign-in message that quotes it", `${siweMessage("https://evil.example", address)}\n${text}`],
  ])("that %s is not", (_, other) => {
    expect(() => assertBindingText(other, named)).toThrow(refusal);
  });
});
