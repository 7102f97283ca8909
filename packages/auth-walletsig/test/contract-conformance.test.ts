// The kit with contract wallets on a real chain, whose node fails by a proxy before it.
import type { Challenge, Json } from "@agentkeys/core";
import { authCases, registerConformance, type AuthFixture, type AuthPerson } from "@agentkeys/testkit";
import type { Wallet } from "ethers";
import { afterAll, beforeAll, describe, it } from "vitest";
import walletsig from "../src/index.ts";
import { openAnvil, type Anvil } from "./support/anvil.ts";
import { openFaultyNode } from "./support/faulty-node.ts";
import { ada, answerOf, grace, messageOf } from "./support/sign-in.ts";

let anvil: Anvil;
let hers: string;
let graces: string;
beforeAll(async () => {
  anvil = await openAnvil();
  hers = await anvil.deploy("OwnedWallet", ["address"], [ada.address]);
  graces = await anvil.deploy("OwnedWallet", ["address"], [grace.address]);
});
afterAll(() => anvil.close());

function personWith(contract: string, owner: Wallet): AuthPerson {
  return {
    ask: { address: contract, chain_id: 1 },
    identity: { type: "eip155_contract", value: `1:${contract}` },
    prove: (challenge) => answerOf(challenge, owner),
  };
}

/** The right signature, and answers that are one step from right. */
async function wrongProofs(challenge: Challenge): Promise<readonly Json[]> {
  const message = messageOf(challenge);
  const [signer, other] = message.toLowerCase().includes(hers) ? [ada, grace] : [grace, ada];
  const right = await answerOf(challenge, signer);
  const edits = [
    message.replace("keys.example wants", "evil.example wants"),
    message.replace("Chain ID: 1\n", "Chain ID: 10\n"),
    message.replace(/Nonce: ./u, "Nonce: Z"),
    message.replace(/^0x.*$/mu, signer.address),
    "Hello.",
  ];
  return [
    await answerOf(challenge, other),
    { ...right, message: `${message}\n` },
    { ...right, signature: "0x" },
    { ...right, signature: right.signature.slice(2) },
    { ...right, signature: `${right.signature}00` },
    { ...right, signature: right.signature.slice(0, -2) },
    ...(await Promise.all(edits.map((text) => answerOf(challenge, signer, text)))),
  ];
}

async function makeFixture(): Promise<AuthFixture> {
  const node = await openFaultyNode(anvil.url);
  return {
    plugin: walletsig,
    config: { rpc: { "1": { env: "ETHEREUM_RPC_URL" } } },
    host: { secrets: { ETHEREUM_RPC_URL: `${node.url}/secret-key` } },
    farSide: node.farSide,
    people: [personWith(hers, ada), personWith(graces, grace)],
    wrongProofs,
    withId: (given, id) => ({ ...(given as object), challenge_id: id }),
    malformedAsks: [
      { address: `${hers}00`, chain_id: 1 },
      { address: hers, chain_id: "1" },
    ],
    malformedAnswers: (_challenge, given) => [{ ...(given as object), address: hers }],
    close: () => node.close(),
  };
}

describe("with a contract wallet", () => {
  registerConformance({ it }, authCases, makeFixture);
});
