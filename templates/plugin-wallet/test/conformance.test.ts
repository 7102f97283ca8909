import type { Challenge, Json } from "@agentkeys/core";
import { registerConformance, type TestWallet, walletCases, type WalletFixture } from "@agentkeys/testkit";
import { it } from "vitest";
import plugin from "../src/index.ts";
import { makeSolanaKey, type SolanaKey } from "./solana-key.ts";

const ada = makeSolanaKey("ada");
const grace = makeSolanaKey("grace");

const messageOf = (challenge: Challenge): string => String(challenge.public["message"]);

const answerOf = (challenge: Challenge, signature: string): { challenge_id: string; signature: string } => ({
  challenge_id: challenge.id,
  signature,
});

function walletOf(key: SolanaKey): TestWallet {
  return {
    ask: { address: key.address },
    handle: { address: key.address, family: "solana", custody: "person" },
    prove: (challenge) => answerOf(challenge, key.sign(messageOf(challenge))),
  };
}

function wrongProofs(challenge: Challenge): readonly Json[] {
  const message = messageOf(challenge);
  const [signer, other] = message.includes(ada.address) ? [ada, grace] : [grace, ada];
  const right = signer.sign(message);
  return [
    other.sign(message),
    signer.sign(`${message}\n`),
    signer.sign(message.replace(/Account: ../u, "Account: 00")),
    right.slice(0, -1) + (right.endsWith("1") ? "2" : "1"),
    `1${right}`,
    "no signature",
  ].map((signature) => answerOf(challenge, signature));
}

registerConformance({ it }, walletCases, async (): Promise<WalletFixture> => ({
  plugin,
  config: {},
  wallets: [walletOf(ada), walletOf(grace)],
  wrongProofs,
  withId: (answer, id) => ({ ...(answer as object), challenge_id: id }),
  malformedAsks: [{ address: `0x${"ab".repeat(20)}` }, { address: `1${ada.address}` }, { address: "1".repeat(31) }],
}));
