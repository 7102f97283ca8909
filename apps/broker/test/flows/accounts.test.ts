// Invites, suspension, linking, recovery and erasure at a real broker.
import { setTimeout } from "node:timers/promises";
import { type HDNodeWallet, Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Caller, claim, openBroker, pair, signIn, type Answer, type TestBroker } from "./harness.ts";

let broker: TestBroker;
let operator: Caller;
let operatorAccount: string;
beforeAll(async () => {
  broker = await openBroker('[accounts]\nsign_up = "invite"\n[limits]\ncodes = 100\nsign_ins = 1000\n');
  ({ caller: operator, account: operatorAccount } = await claim(broker));
});
afterAll(() => broker.close());

interface Member {
  readonly caller: Caller;
  readonly wallet: HDNodeWallet;
  readonly account: string;
}

const invite = async (change: Record<string, unknown> = {}): Promise<Answer["body"]> =>
  (await operator.call("POST", "/v1/accounts/invites", change)).body;

async function join(code?: string): Promise<Member> {
  const caller = await Caller.open(broker.url);
  const wallet = Wallet.createRandom();
  const answer = await signIn(caller, wallet, code ?? ((await invite())["code"] as string));
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return { caller: caller.take(answer.body), wallet, account: answer.body["account"] as string };
}

async function link(by: Caller, wallet: HDNodeWallet, finisher: Caller = by): Promise<Answer> {
  const start = await by.call("POST", "/v1/account/identities/walletsig/start", {
    address: wallet.address,
    chain_id: 1,
  });
  if (start.status !== 200) return start;
  const { challenge_id, message } = start.body;
  const signature = await wallet.signMessage(message as string);
  return finisher.call("POST", "/v1/account/identities", { challenge_id, message, signature });
}

const identity = (wallet: HDNodeWallet) => ({ type: "evm", value: wallet.address.toLowerCase() });
const refresh = async (caller: Caller, token = caller.refreshToken!, clientId = "agentkeys"): Promise<Answer> => {
  const bare = caller.token;
  caller.token = undefined;
  const form = { grant_type: "refresh_token", refresh_token: token, client_id: clientId };
  const answer = await caller.call("POST", "/oauth/token", new URLSearchParams(form));
  caller.token = bare;
  return answer;
};

test("an invite opens one account, is listed until then, and can be revoked", async () => {
  const stranger = await Caller.open(broker.url);
  expect((await signIn(stranger, Wallet.createRandom())).body["code"]).toBe("ERR_AUTH_SIGN_UP");
  expect((await signIn(stranger, Wallet.createRandom(), "0".repeat(26))).body).toMatchObject({
    status: 403,
    code: "ERR_AUTH_INVITE",
  });
  const made = await invite({ expires_in: 3600 });
  const listed = async () => (await operator.call("GET", "/v1/accounts/invites")).body["invites"] as { id: string }[];
  expect((await listed()).map(({ id }) => id)).toContain(made["id"]);
  expect(JSON.stringify(await listed())).not.toContain(made["code"]);
  await join(made["code"]);
  expect((await listed()).map(({ id }) => id)).not.toContain(made["id"]);
  expect((await signIn(stranger, Wallet.createRandom(), made["code"])).body["code"]).toBe("ERR_AUTH_INVITE");
  const other = await invite();
  expect((await operator.call("DELETE", `/v1/accounts/invites/${other["id"]}`)).status).toBe(204);
  expect((await signIn(stranger, Wallet.createRandom(), other["code"])).body["code"]).toBe("ERR_AUTH_INVITE");
});

test("an invite is spent by the finished sign-up alone, and two who race for it get one account", async () => {
  const made = await invite();
  const callers = await Promise.all([Caller.open(broker.url), Caller.open(broker.url)]);
  const start = await callers[0].call("POST", "/v1/auth/walletsig/start", {
    address: Wallet.createRandom().address,
    chain_id: 1,
    claim_code: made["code"],
  });
  expect(start.status).toBe(200);
  const answers = await Promise.all(callers.map((one) => signIn(one, Wallet.createRandom(), made["code"])));
  expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 403]);
});

test("what operators do is for operators, and what gives power for fresh ones", async () => {
  const { caller, account } = await join();
  for (const [method, path] of [
    ["GET", "/v1/accounts"],
    ["GET", "/v1/rights"],
    ["GET", "/v1/accounts/invites"],
    ["POST", `/v1/accounts/${operatorAccount}/suspend`],
    ["POST", `/v1/accounts/${account}/recovery`],
  ] as const)
    expect((await caller.call(method, path)).body["code"], path).toBe("ERR_SESSION_CALLER");
  expect((await caller.call("POST", "/v1/accounts/invites", {})).body["code"]).toBe("ERR_SESSION_CALLER");
  const { agent } = await pair(broker, operator);
  expect((await agent.call("POST", "/v1/accounts/invites", {})).body["code"]).toBe("ERR_SESSION_CALLER");
  const seen = (await operator.call("GET", "/v1/accounts?limit=200")).body["accounts"] as { account: string }[];
  expect(seen.map((one) => one.account)).toEqual(expect.arrayContaining([account, operatorAccount]));
  expect((await operator.call("GET", "/v1/accounts?limit=1")).body["next"]).toBe(seen[0]!.account);
});

test("a suspended account can do nothing from the answer on, nor can its agents; resumed, all is as it was", async () => {
  const { caller, wallet, account } = await join();
  const { agent } = await pair(broker, caller);
  const set = (what: string) => operator.call("POST", `/v1/accounts/${account}/${what}`);
  expect((await set("suspend")).status).toBe(204);
  expect((await caller.call("GET", "/v1/account")).body).toMatchObject({ status: 403, code: "ERR_AUTH_SUSPENDED" });
  expect((await ask(agent)).body["code"]).toBe("ERR_AUTH_SUSPENDED");
  for (const one of [caller, agent]) expect((await refresh(one)).body["code"]).toBe("ERR_AUTH_SUSPENDED");
  expect((await signIn(await Caller.open(broker.url), wallet)).body["code"]).toBe("ERR_AUTH_SUSPENDED");
  expect((await set("resume")).status).toBe(204);
  expect((await caller.call("GET", "/v1/account")).status).toBe(200);
  expect((await ask(agent)).body["code"]).toBe("ERR_GRANT_DENIED");
});

test("the last operator can neither be suspended nor erased, until there is another", async () => {
  const own = await openBroker('[accounts]\nsign_up = "invite"\n');
  const { caller, account } = await claim(own);
  const suspend = () => caller.call("POST", `/v1/accounts/${account}/suspend`);
  expect((await suspend()).body).toMatchObject({ status: 409, code: "ERR_AUTH_LAST_OPERATOR" });
  expect((await caller.call("DELETE", "/v1/account")).body["code"]).toBe("ERR_AUTH_LAST_OPERATOR");
  const made = await caller.call("POST", "/v1/accounts/invites", { role: "operator" });
  expect((await signIn(await Caller.open(own.url), Wallet.createRandom(), made.body["code"])).status).toBe(200);
  expect((await suspend()).status).toBe(204);
  await own.close();
});

test("a linked identity signs in to the account; unlinked, it opens none, not even with an invite", async () => {
  const { caller, wallet, account } = await join();
  const second = Wallet.createRandom();
  expect((await link(caller, second)).body).toMatchObject({ ...identity(second), linked_at: expect.any(String) });
  const other = await Caller.open(broker.url);
  const signed = await signIn(other, second);
  expect(signed.body["account"]).toBe(account);
  other.take(signed.body);
  expect((await caller.call("DELETE", "/v1/account/identities", identity(second))).status).toBe(204);
  expect((await other.call("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_TOKEN");
  expect((await signIn(other, second)).body["code"]).toBe("ERR_AUTH_SIGN_UP");
  const made = await invite();
  expect((await signIn(other, second, made["code"])).body["code"]).toBe("ERR_AUTH_SIGN_UP");
  expect((await caller.call("DELETE", "/v1/account/identities", identity(wallet))).body).toMatchObject({
    status: 409,
    code: "ERR_AUTH_IDENTITY",
  });
  expect((await caller.call("DELETE", "/v1/account/identities", identity(second))).status).toBe(404);
});

test("a recovery code links one new identity, ends every session and agent, and is good once", async () => {
  const { caller, wallet, account } = await join();
  const { agent, id } = await pair(broker, caller);
  const made = await operator.call("POST", `/v1/accounts/${account}/recovery`);
  expect(made.status).toBe(201);
  const again = await operator.call("POST", `/v1/accounts/${account}/recovery`);
  const lost = await Caller.open(broker.url);
  expect((await signIn(lost, Wallet.createRandom(), made.body["code"])).body["code"]).toBe("ERR_AUTH_INVITE");
  // An identity with an account is no new one, and spends nothing.
  expect((await signIn(lost, wallet, again.body["code"])).body["code"]).toBe("ERR_AUTH_IDENTITY");
  const fresh = Wallet.createRandom();
  const back = await signIn(lost, fresh, again.body["code"]);
  expect(back.body).toMatchObject({ account });
  for (const one of [caller, agent])
    expect((await one.call("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_TOKEN");
  lost.take(back.body);
  const agents = (await lost.call("GET", "/v1/agents")).body["agents"] as { id: string; revoked_at?: string }[];
  expect(agents.find((one) => one.id === id)?.revoked_at).toEqual(expect.any(String));
  expect((await signIn(lost, Wallet.createRandom(), again.body["code"])).body["code"]).toBe("ERR_AUTH_INVITE");
});

test("each change stands in the account's own log: linked, unlinked, recovered, created", async () => {
  const { caller, account } = await join();
  const second = Wallet.createRandom();
  await link(caller, second);
  await caller.call("DELETE", "/v1/account/identities", identity(second));
  const made = await operator.call("POST", `/v1/accounts/${account}/recovery`);
  const back = await Caller.open(broker.url);
  back.take((await signIn(back, Wallet.createRandom(), made.body["code"])).body);
  const { records } = (await back.call("GET", "/v1/audit/records")).body as { records: { type: string }[] };
  const types = records.map(({ type }) => type);
  for (const type of ["account_created", "identity_linked", "identity_unlinked", "recovered", "sign_in"])
    expect(types.map((one) => one.replaceAll(" ", "_"))).toContain(type);
});

test("erasure leaves nothing that works, and the identity may sign up anew as a stranger would", async () => {
  const { caller, wallet, account } = await join();
  const key = Wallet.createRandom();
  const bind = async (by: Caller) => {
    const start = await by.call("POST", "/v1/wallets/start", { address: key.address });
    const signature = await key.signMessage(start.body["message"] as string);
    return by.call("POST", "/v1/wallets/finish", { challenge_id: start.body["challenge_id"], signature });
  };
  expect((await bind(caller)).status).toBe(200);
  const { agent } = await pair(broker, caller);
  expect((await caller.call("GET", "/v1/audit/records")).body["records"]).not.toEqual([]);
  expect((await caller.call("DELETE", "/v1/account")).status).toBe(204);
  for (const one of [caller, agent])
    expect((await one.call("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_TOKEN");
  const again = await Caller.open(broker.url);
  expect((await signIn(again, wallet)).body["code"]).toBe("ERR_AUTH_SIGN_UP");
  const made = await invite();
  const signed = await signIn(again, wallet, made["code"]);
  expect(signed.body["account"]).toBe(account);
  again.take(signed.body);
  expect((await again.call("GET", "/v1/wallets")).body["wallets"]).toEqual([]);
  expect((await again.call("GET", "/v1/agents")).body["agents"]).toEqual([]);
  const { records } = (await again.call("GET", "/v1/audit/records")).body as { records: { type: string }[] };
  // Only what came after: the key of what came before is gone.
  expect(records.map(({ type }) => type.replaceAll(" ", "_")).toSorted()).toEqual(["account_created", "sign_in"]);
  // The wallet is free for whoever proves it.
  expect((await bind((await join()).caller)).status).toBe(200);
});

test("asks that are answered after the erasure leave nothing under the account's name", async () => {
  const { caller, wallet } = await join();
  const { agent } = await pair(broker, caller);
  await agent.call("GET", "/v1/grants/mine");
  const refused = Array.from({ length: 40 }, async (_, at) => {
    await setTimeout(at);
    return ask(agent);
  });
  await setTimeout(20);
  expect((await caller.call("DELETE", "/v1/account")).status).toBe(204);
  await Promise.all(refused);
  const again = await Caller.open(broker.url);
  again.take((await signIn(again, wallet, (await invite())["code"] as string)).body);
  const { records } = (await again.call("GET", "/v1/audit/records")).body as { records: { type: string }[] };
  expect(records.filter(({ type }) => type === "denied")).toEqual([]);
});

test("a lost refresh answer ends nothing: the token before is taken once more, then no more", async () => {
  const { caller } = await join();
  const first = caller.refreshToken!;
  const lost = await refresh(caller, first);
  expect(lost.status).toBe(200);
  const repeated = await refresh(caller, first);
  expect(repeated.status).toBe(200);
  expect(repeated.body["refresh_token"]).not.toBe(lost.body["refresh_token"]);
  caller.take(repeated.body);
  expect((await caller.call("GET", "/v1/account")).status).toBe(200);
  expect((await refresh(caller, lost.body["refresh_token"])).body["error"]).toBe("invalid_grant");
  expect((await caller.call("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_TOKEN");
});

test("a refresh for another client is refused and harms nothing", async () => {
  const own = await openBroker(
    '[accounts]\nsign_up = "open"\n'.replace("[accounts]", 'clients = ["agentkeys", "other"]\n[accounts]'),
  );
  const { caller } = await claim(own);
  expect((await refresh(caller, caller.refreshToken, "other")).body["error"]).toBe("invalid_grant");
  expect((await refresh(caller)).status).toBe(200);
  await own.close();
});

test("an attempt begun with a claim code claims nothing once a reboot has renewed the code", async () => {
  const own = await openBroker();
  const early = await Caller.open(own.url);
  const wallet = Wallet.createRandom();
  const start = await early.call("POST", "/v1/auth/walletsig/start", {
    address: wallet.address,
    chain_id: 1,
    claim_code: own.claimCode(),
  });
  await own.restart();
  const { challenge_id, message } = start.body;
  const signature = await wallet.signMessage(message as string);
  const late = await early.call("POST", "/v1/auth/walletsig/finish", { challenge_id, message, signature });
  expect(late.body).toMatchObject({ status: 403, code: "ERR_AUTH_CLAIM_CODE" });
  expect((await claim(own)).account).toMatch(/^[0-9a-f]{64}$/u);
  await own.close();
});
