import type { Challenge, Json, WalletHandle } from "@agentkeys/core";
import { registerConformance, walletCases, type TestWallet, type WalletFixture } from "@agentkeys/testkit";
import type { Wallet } from "ethers";
import { it } from "vitest";
import keystore from "../src/index.ts";
import { answerOf, handleOf, messageOf, wallets } from "./support/binding.ts";

const [first, second] = wallets;

function testWallet(wallet: Wallet): TestWallet {
  return {
    ask: { address: wallet.address },
    handle: handleOf(wallet) as WalletHandle,
    prove: (challenge) => answerOf(challenge, wallet),
  };
}

/** The right signature, and answers that are one step from right. */
async function wrongProofs(challenge: Challenge): Promise<readonly Json[]> {
  const message = messageOf(challenge);
  const [signer, other] = message.includes(first.address) ? [first, second] : [second, first];
  const right = await answerOf(challenge, signer);
  const { signature } = right;
  return [
    await answerOf(challenge, other),
    await answerOf(challenge, signer, `${message}\n`),
    await answerOf(challenge, signer, message.replace("keys.example", "evil.example")),
    await answerOf(challenge, signer, message.replace(/Account: ../u, "Account: 00")),
    { ...right, signature: "" },
    { ...right, signature: "0x00" },
    { ...right, signature: `0x${"11".repeat(65)}` },
    { ...right, signature: `${signature.slice(0, -2)}${signature.endsWith("1b") ? "1c" : "1b"}` },
    { ...right, signature: `${signature}00` },
  ];
}

async function makeFixture(): Promise<WalletFixture> {
  return {
    plugin: keystore,
    config: {},
    wallets: [testWallet(first), testWallet(second)],
    wrongProofs,
    withId: (answer, id) => ({ ...(answer as object), challenge_id: id }),
    malformedAsks: [
      { address: `0x${"ab".repeat(19)}` },
      { address: first.address.slice(2) },
      { address: first.address.replace(/[a-f]/u, (letter) => letter.toUpperCase()) },
      { address: first.address, family: "evm" },
    ],
  };
}

registerConformance({ it }, walletCases, makeFixture);
