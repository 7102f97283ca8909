// Sign-ins by wallets that are no plain Ethereum key, through the broker's own door: a Solana key, and a contract on a real chain.
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from "node:crypto";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAnvil, type Anvil } from "../../../../packages/auth-walletsig/test/support/anvil.ts";
import { Caller, openBroker, type Answer, type TestBroker } from "./harness.ts";

let anvil: Anvil;
let broker: TestBroker;
beforeAll(async () => {
  anvil = await openAnvil();
  broker = await openBroker(`[accounts]\nsign_up = "open"\n[auth.walletsig.rpc]\n1 = "${anvil.url}"\n`);
});
afterAll(async () => {
  await broker.close();
  await anvil.close();
});

/** Starts and finishes a sign-in with a signature over the broker's message. */
async function signInAs(
  address: string,
  chain: number | string,
  signText: (message: string) => string | Promise<string>,
): Promise<{ caller: Caller; answer: Answer }> {
  const caller = await Caller.open(broker.url);
  const start = await caller.call("POST", "/v1/auth/walletsig/start", { address, chain_id: chain });
  expect(start.status).toBe(200);
  const { challenge_id, message } = start.body as { challenge_id: string; message: string };
  const body = { challenge_id, message, signature: await signText(message) };
  return { caller, answer: await caller.call("POST", "/v1/auth/walletsig/finish", body) };
}

async function identityOf(caller: Caller, answer: Answer): Promise<unknown> {
  caller.take(answer.body);
  return (await caller.call("GET", "/v1/account")).body.identities;
}

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Base58 by long division, which no library of the product does. */
function base58(bytes: Uint8Array): string {
  let text = "";
  for (let rest = BigInt(`0x${Buffer.from(bytes).toString("hex")}`); rest > 0n; rest /= 58n)
    text = alphabet.charAt(Number(rest % 58n)) + text;
  return "1".repeat(bytes.findIndex((byte) => byte !== 0)) + text;
}

function solanaKey(name: string): { key: KeyObject; address: string } {
  const seed = createHash("sha256").update(name).digest();
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return { key, address: base58(raw) };
}

test("a Solana key opens an account of its own, and another key does not get into it", async () => {
  const [mine, theirs] = [solanaKey("mine"), solanaKey("theirs")];
  const signWith = (key: KeyObject) => (message: string) => base58(sign(null, Buffer.from(message), key));
  const { answer: refused } = await signInAs(mine.address, "solana:mainnet", signWith(theirs.key));
  expect(refused.body).toMatchObject({ status: 401, code: "ERR_AUTH_PROOF" });
  const { caller, answer } = await signInAs(mine.address, "solana:mainnet", signWith(mine.key));
  expect(answer.status).toBe(200);
  expect(await identityOf(caller, answer)).toMatchObject([{ type: "solana", value: mine.address }]);
});

test("a contract wallet opens an account by its owner's signature, which is not the owner's own account", async () => {
  const owner = Wallet.createRandom();
  const contract = await anvil.deploy("OwnedWallet", ["address"], [owner.address]);
  const { answer: refused } = await signInAs(contract, 1, (message) => Wallet.createRandom().signMessage(message));
  expect(refused.body).toMatchObject({ status: 401, code: "ERR_AUTH_PROOF" });
  const { caller, answer } = await signInAs(contract, 1, (message) => owner.signMessage(message));
  expect(answer.status).toBe(200);
  expect(await identityOf(caller, answer)).toMatchObject([{ type: "eip155_contract", value: `1:${contract}` }]);
  const { answer: own } = await signInAs(owner.address, 1, (message) => owner.signMessage(message));
  expect(own.status).toBe(200);
  expect(own.body.account).not.toBe(answer.body.account);
});
