import type { Challenge, Json } from "@agentkeys/core";
import { authCases, registerConformance, type AuthFixture, type AuthPerson } from "@agentkeys/testkit";
import type { Wallet } from "ethers";
import { it } from "vitest";
import walletsig from "../src/index.ts";
import { ada, answerOf, grace, messageOf } from "./support/sign-in.ts";

function personWith(wallet: Wallet): AuthPerson {
  return {
    ask: { address: wallet.address, chain_id: 1 },
    identity: { type: "evm", value: wallet.address.toLowerCase() },
    prove: (challenge) => answerOf(challenge, wallet),
  };
}

/** The right signature, and answers that are one step from right. */
async function wrongProofs(challenge: Challenge): Promise<readonly Json[]> {
  const message = messageOf(challenge);
  const signer = message.includes(ada.address) ? ada : grace;
  const other = signer === ada ? grace : ada;
  const right = await answerOf(challenge, signer);
  const edits = [
    message.replace("keys.example wants", "evil.example wants"),
    message.replace("URI: https://keys.example", "URI: https://evil.example"),
    message.replace("Chain ID: 1\n", "Chain ID: 10\n"),
    message.replace("Version: 1", "Version: 2"),
    message.replace(/Nonce: ./u, "Nonce: Z"),
    message.replace(/\nExpiration Time: [^\n]+/u, "\nExpiration Time: 2027-01-01T00:00:00Z"),
    message.replace(signer.address, other.address),
    "Hello.",
  ];
  return [
    await answerOf(challenge, other),
    { ...right, message: `${message}\n` },
    { ...right, signature: "0x00" },
    { ...right, signature: `${right.signature.slice(0, -2)}${right.signature.endsWith("1b") ? "1c" : "1b"}` },
    { ...right, signature: `${right.signature}00` },
    ...(await Promise.all(edits.map((text) => answerOf(challenge, signer, text)))),
  ];
}

async function makeFixture(): Promise<AuthFixture> {
  return {
    plugin: walletsig,
    config: {},
    people: [personWith(ada), personWith(grace)],
    wrongProofs,
    withId: (answer, id) => ({ ...(answer as object), challenge_id: id }),
    malformedAsks: [
      { address: `0x${"ab".repeat(19)}`, chain_id: 1 },
      { address: ada.address.replace(/[a-f]/u, (letter) => letter.toUpperCase()), chain_id: 1 },
      { address: ada.address, chain_id: 2 },
      { address: ada.address, chain_id: "1" },
    ],
    malformedAnswers: (_challenge, answer) => [
      { ...(answer as object), address: ada.address },
      { ...(answer as object), message: "a".repeat(5000) },
    ],
  };
}

registerConformance({ it }, authCases, makeFixture);
