import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { base58 } from "@scure/base";
import { createCall } from "@agentkeys/testkit";
import { assert, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { findAddressFault, isSolanaSignature } from "../src/solana-signature.ts";
import { findDisagreement, formatSignInMessage } from "../src/sign-in-message.ts";
import { messageOf, openMethod, refusalOf } from "./support/sign-in.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const rawOf = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" }).subarray(-32);
const address = base58.encode(rawOf(publicKey));
const signText = (text: string, key = privateKey): string => base58.encode(sign(null, Buffer.from(text), key));

describe("a Solana sign-in", () => {
  it("proves the base58 public key over a Sign-In With Solana message, once", async () => {
    const { method, host } = await openMethod();
    const challenge = await method.start({ address, chain_id: "solana:mainnet" }, createCall(host));
    const message = messageOf(challenge);
    expect(message).toMatch(/^keys\.example wants you to sign in with your Solana account:\n/u);
    expect(message).toContain("\nChain ID: solana:mainnet\n");
    const answer = { challenge_id: challenge.id, message, signature: signText(message) };
    const other = generateKeyPairSync("ed25519").privateKey;
    const wrong = [
      signText(message, other),
      signText(`${message}\n`),
      `1${answer.signature}`,
      answer.signature.slice(1),
      "0x00",
    ];
    for (const signature of wrong)
      expect(await refusalOf(method.finish({ ...answer, signature }, createCall(host)))).toMatch(/^ERR_AUTH_PROOF/u);
    expect(await method.finish(answer, createCall(host))).toEqual({
      challengeId: challenge.id,
      identity: { type: "solana", value: address },
      amr: ["swk"],
    });
    expect(await refusalOf(method.finish(answer, createCall(host)))).toMatch(/^ERR_AUTH_CHALLENGE/u);
    await method.close();
  });

  it("takes a message that a wallet built, also without a statement, and no Ethereum message", () => {
    const binding = {
      publicUrl: "https://keys.example",
      address,
      chainId: "solana:mainnet",
      nonce: "0123456789abcdef",
    };
    const text = formatSignInMessage({ ...binding, issuedAt: 0, expiresAt: 600_000 });
    expect(findDisagreement(text.replace(/\n\n[^\n]+\n\n/u, "\n\n"), binding, 1000)).toBeUndefined();
    expect(findDisagreement(text, binding, 1000)).toBeUndefined();
    for (const edit of [
      text.replace("Solana", "Ethereum"),
      text.replace("\n\n", "\n\n\n"),
      text.replace("mainnet", "devnet"),
    ])
      expect(findDisagreement(edit, binding, 1000)).toBeDefined();
  });

  it("refuses addresses of no key, of another length or alphabet", async () => {
    const { method, host } = await openMethod();
    for (const one of [
      "",
      "1".repeat(31),
      "1".repeat(33),
      `${address}1`,
      `0${address.slice(1)}`,
      address.slice(2),
      "1".repeat(5000),
    ])
      expect(await refusalOf(method.start({ address: one, chain_id: "solana:mainnet" }, createCall(host)))).toMatch(
        /^ERR_REQUEST_MALFORMED: address: /u,
      );
    await method.close();
  });

  it("refuses a point of small order, by which anybody can sign", () => {
    const neutral = Buffer.alloc(32);
    neutral[0] = 1;
    expect(findAddressFault(base58.encode(neutral))).toMatch(/nobody holds/u);
    expect(findAddressFault("1".repeat(32))).toMatch(/nobody holds/u);
    const eighth = Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex");
    expect(findAddressFault(base58.encode(eighth))).toMatch(/nobody holds/u);
    expect(findAddressFault(base58.encode(Buffer.alloc(32, 0xff)))).toMatch(/nobody holds/u);
  });

  it("takes no signature that is not the key's, whatever bytes it is", () => {
    assert(
      property(uint8Array({ minLength: 0, maxLength: 70 }), (bytes) => {
        expect(isSolanaSignature(address, "text", base58.encode(bytes))).toBe(false);
      }),
    );
    expect(isSolanaSignature(address, "text", signText("text"))).toBe(true);
  });
});
