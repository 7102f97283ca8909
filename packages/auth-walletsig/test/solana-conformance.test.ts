import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { base58 } from "@scure/base";
import type { Challenge, Json } from "@agentkeys/core";
import { authCases, registerConformance, type AuthFixture, type AuthPerson } from "@agentkeys/testkit";
import { describe, it } from "vitest";
import walletsig from "../src/index.ts";
import { messageOf } from "./support/sign-in.ts";

interface SolanaKey {
  readonly address: string;
  readonly key: KeyObject;
}

function makeKey(): SolanaKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { address: base58.encode(publicKey.export({ format: "der", type: "spki" }).subarray(-32)), key: privateKey };
}

const [ada, grace] = [makeKey(), makeKey()];
const signText = ({ key }: SolanaKey, text: string): string => base58.encode(sign(null, Buffer.from(text), key));
const answer = (challenge: Challenge, who: SolanaKey, message = messageOf(challenge)) => ({
  challenge_id: challenge.id,
  message,
  signature: signText(who, message),
});

function personWith(who: SolanaKey): AuthPerson {
  return {
    ask: { address: who.address, chain_id: "solana:mainnet" },
    identity: { type: "solana", value: who.address },
    prove: async (challenge) => answer(challenge, who),
  };
}

/** The right signature, and answers that are one step from right. */
async function wrongProofs(challenge: Challenge): Promise<readonly Json[]> {
  const message = messageOf(challenge);
  const [signer, other] = message.includes(ada.address) ? [ada, grace] : [grace, ada];
  const right = answer(challenge, signer);
  const edits = [
    message.replace("keys.example wants", "evil.example wants"),
    message.replace("URI: https://keys.example", "URI: https://evil.example"),
    message.replace("Chain ID: solana:mainnet", "Chain ID: solana:devnet"),
    message.replace(/Nonce: ./u, "Nonce: Z"),
    message.replace(signer.address, other.address),
    "Hello.",
  ];
  return [
    answer(challenge, other),
    { ...right, message: `${message}\n` },
    { ...right, signature: `1${right.signature}` },
    { ...right, signature: right.signature.slice(1) },
    ...edits.map((text) => answer(challenge, signer, text)),
  ];
}

async function makeFixture(): Promise<AuthFixture> {
  return {
    plugin: walletsig,
    config: {},
    people: [personWith(ada), personWith(grace)],
    wrongProofs,
    withId: (given, id) => ({ ...(given as object), challenge_id: id }),
    malformedAsks: [
      { address: ada.address, chain_id: 1 },
      { address: ada.address, chain_id: "solana:nowhere" },
      { address: `${ada.address}1`, chain_id: "solana:mainnet" },
      { address: "11111111111111111111111111111111", chain_id: "solana:mainnet" },
    ],
    malformedAnswers: (_challenge, given) => [
      { ...(given as object), address: ada.address },
      { ...(given as object), message: "a".repeat(5000) },
    ],
  };
}

describe("with a Solana key", () => {
  registerConformance({ it }, authCases, makeFixture);
});
