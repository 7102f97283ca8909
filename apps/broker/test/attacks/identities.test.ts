// Attacks on linking and recovery: squatting an identity, taking another's proof, asking who has an account.
import { type HDNodeWallet, Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Caller, claim, openBroker, signIn, type Answer, type TestBroker } from "../flows/harness.ts";

let broker: TestBroker;
let victim: { caller: Caller; wallet: HDNodeWallet; account: string };
let attacker: Caller;
beforeAll(async () => {
  broker = await openBroker('[accounts]\nsign_up = "open"\n[limits]\nsign_ins = 1000\n');
  victim = await claim(broker);
  attacker = await Caller.open(broker.url);
  attacker.take((await signIn(attacker, Wallet.createRandom())).body);
});
afterAll(() => broker.close());

async function prove(
  by: Caller,
  wallet: HDNodeWallet,
  signer: HDNodeWallet = wallet,
): Promise<Record<string, unknown>> {
  const ask = { address: wallet.address, chain_id: 1 };
  const { challenge_id, message } = (await by.call("POST", "/v1/account/identities/walletsig/start", ask)).body;
  return { challenge_id, message, signature: await signer.signMessage(message as string) };
}
const link = (by: Caller, answer: Record<string, unknown>): Promise<Answer> =>
  by.call("POST", "/v1/account/identities", answer);

test("an identity is not linked without its own proof", async () => {
  const squatted = Wallet.createRandom();
  const answer = await link(attacker, await prove(attacker, squatted, Wallet.createRandom()));
  expect(answer.body["code"]).toBe("ERR_AUTH_PROOF");
  const owner = await Caller.open(broker.url);
  expect((await signIn(owner, squatted)).status).toBe(200);
});

test("an identity of another account is refused, and whose it is stays unsaid", async () => {
  const answer = await link(attacker, await prove(attacker, victim.wallet));
  expect(answer.body).toMatchObject({ status: 409, code: "ERR_AUTH_IDENTITY" });
  expect(JSON.stringify(answer.body)).not.toContain(victim.account);
  expect((await signIn(await Caller.open(broker.url), victim.wallet)).body["account"]).toBe(victim.account);
});

test("a proof made for one session links to no other, and is no sign-in", async () => {
  const own = await prove(attacker, Wallet.createRandom());
  expect((await link(victim.caller, own)).body["code"]).toBe("ERR_AUTH_CHALLENGE");
  const stranger = await Caller.open(broker.url);
  expect((await stranger.call("POST", "/v1/auth/walletsig/finish", own)).body["code"]).toBe("ERR_AUTH_CHALLENGE");
  // Nor is a proof for a sign-in one for linking.
  const wallet = Wallet.createRandom();
  const ask = { address: wallet.address, chain_id: 1 };
  const { challenge_id, message } = (await stranger.call("POST", "/v1/auth/walletsig/start", ask)).body;
  const signature = await wallet.signMessage(message as string);
  const taken = await link(attacker, { challenge_id, message, signature });
  expect(taken.body["code"]).toBe("ERR_AUTH_CHALLENGE");
});

test("a member makes no recovery code, not even for itself", async () => {
  const mine = (await attacker.call("GET", "/v1/account")).body["account"] as string;
  for (const account of [mine, victim.account])
    expect((await attacker.call("POST", `/v1/accounts/${account}/recovery`)).body["code"]).toBe("ERR_SESSION_CALLER");
});

test("a sign-in starts alike for an identity with an account and for one without", async () => {
  const stranger = await Caller.open(broker.url);
  const start = async (address: string) => {
    const { status, body } = await stranger.call("POST", "/v1/auth/walletsig/start", { address, chain_id: 1 });
    return [status, Object.keys(body).toSorted()];
  };
  expect(await start(victim.wallet.address)).toEqual(await start(Wallet.createRandom().address));
});
