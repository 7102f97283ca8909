// Attacks on linking an address by a mailed link: a stolen poll token, another session, a late hour, an address that is another's.
import { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startMailServer, type MailServer } from "../../../../packages/auth-email/test/support/mail-server.ts";
import { Caller, openBroker, signIn, type Answer, type TestBroker } from "../flows/harness.ts";
import { askForLink, emailTable, lastToken, linkAddress, pollLink, postLink } from "../flows/mail.ts";

let broker: TestBroker;
let server: MailServer;
let owner: Caller;
let wallet: ReturnType<typeof Wallet.createRandom>;
let address: string;
let addresses = 0;

beforeAll(async () => {
  server = await startMailServer();
  const limits = "[limits]\nmessages = 1000\nsign_ins = 1000\n";
  broker = await openBroker(
    `[accounts]\nsign_up = "open"\n${limits}[auth]\nmethods = ["walletsig", "email"]\n${emailTable(server, 'link_ttl = "2m"')}`,
  );
});
beforeEach(async () => {
  wallet = Wallet.createRandom();
  owner = await enter(wallet);
  address = `person${++addresses}@example.com`;
});
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  await broker.close();
  await server.close();
});

/** A new session, with a new key where the caller has none. */
async function enter(by: typeof wallet, caller?: Caller): Promise<Caller> {
  const one = caller ?? (await Caller.open(broker.url));
  return one.take((await signIn(one, by)).body);
}

const asked = async () => askForLink(broker, server, owner, address);
const linked = async (by = owner): Promise<string[]> => {
  const { identities } = (await by.call("GET", "/v1/account")).body as {
    identities: { type: string; value: string }[];
  };
  return identities.filter(({ type }) => type === "email").map(({ value }) => value);
};
const pollSignIn = async (by: Caller, token: string): Promise<Answer> =>
  by.call("POST", "/v1/auth/poll", { poll_token: token });
const unknown = { status: 401, code: "ERR_AUTH_CHALLENGE" };

test("an address is linked once its link was followed and its code typed, once, and signs in to the account from then on", async () => {
  const { pollToken, follow } = await asked();
  expect(await pollLink(owner, pollToken)).toMatchObject({ status: 202, body: { status: "pending" } });
  const token = lastToken(broker, server);
  // Who follows the link of another's program must see that it signs nobody in.
  const { text } = await postLink(broker, { token });
  expect(text).toContain("to link it to the account of that program");
  expect(text).not.toMatch(/sign(ed)? in</iu);
  await postLink(broker, { token, user_code: "0000-0000" });
  expect((await pollLink(owner, pollToken)).status).toBe(202);
  expect(await linked()).toEqual([]);
  await follow();
  // Followed is not linked: the session that asked has the last word.
  expect(await linked()).toEqual([]);
  expect((await pollLink(owner, pollToken)).body).toMatchObject({ type: "email", value: address });
  expect((await pollLink(owner, pollToken)).body).toMatchObject(unknown);
  expect(await linked()).toEqual([address]);

  const other = await Caller.open(broker.url);
  const { body } = await other.call("POST", "/v1/auth/email/start", { email: address });
  await postLink(broker, { token: lastToken(broker, server), user_code: body.user_code as string });
  expect((await pollSignIn(other, body.poll_token as string)).body.account).toBe(
    (await owner.call("GET", "/v1/account")).body.account,
  );
});

test("a stolen poll token links nothing to the thief's account, opens no session, and does not hinder its owner", async () => {
  const { pollToken, follow } = await asked();
  await follow();
  const thief = await enter(Wallet.createRandom());
  const nobody = await Caller.open(broker.url);
  for (const stolen of [await pollLink(thief, pollToken), await pollSignIn(nobody, pollToken)])
    expect(stolen.body).toMatchObject(unknown);
  expect((await pollLink(nobody, pollToken)).body.code).toBe("ERR_SESSION_TOKEN");
  expect(await linked(thief)).toEqual([]);
  expect((await pollLink(owner, pollToken)).status).toBe(201);
});

test("only the session that asked may poll and link: no other of the same person, not even one with the same key", async () => {
  const { pollToken, follow } = await asked();
  const first = owner.token;
  const others = async () => [await enter(wallet), await enter(wallet, owner)];
  for (const by of await others()) expect((await pollLink(by, pollToken)).body).toMatchObject(unknown);
  await follow();
  for (const by of await others()) expect((await pollLink(by, pollToken)).body).toMatchObject(unknown);
  expect(await linked()).toEqual([]);
  owner.token = first;
  expect((await pollLink(owner, pollToken)).status).toBe(201);
});

test("a poll token for linking is none for a sign-in, also for its owner's key, and the other way round", async () => {
  const { pollToken, follow } = await asked();
  await follow();
  const { token } = owner;
  owner.token = undefined;
  expect((await pollSignIn(owner, pollToken)).body).toMatchObject(unknown);
  const { body } = await owner.call("POST", "/v1/auth/email/start", { email: `other-${address}` });
  await postLink(broker, { token: lastToken(broker, server), user_code: body.user_code as string });
  owner.token = token;
  expect((await pollLink(owner, body.poll_token as string)).body).toMatchObject(unknown);
  expect(await linked()).toEqual([]);
});

test("a session that was ended links nothing", async () => {
  const { pollToken, follow } = await asked();
  await follow();
  const other = await enter(wallet);
  const { sessions } = (await owner.call("GET", "/v1/sessions")).body as {
    sessions: { id: string; current: boolean }[];
  };
  expect((await other.call("DELETE", `/v1/sessions/${sessions.find((one) => one.current)!.id}`)).status).toBe(204);
  expect((await pollLink(owner, pollToken)).body.code).toBe("ERR_SESSION_TOKEN");
  expect(await linked(other)).toEqual([]);
});

function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });
}

test("five minutes after the sign-in nothing is linked, though it was proven", async () => {
  const { pollToken, follow } = await asked();
  await follow();
  pass(301);
  expect((await pollLink(owner, pollToken)).body).toMatchObject({ status: 401, code: "ERR_SESSION_NOT_FRESH" });
  expect(await linked()).toEqual([]);
});

test("an expired link links nothing, whether it was followed in time or not", async () => {
  const [followed, late] = [await asked(), await asked()];
  await followed.follow();
  const token = lastToken(broker, server);
  pass(121);
  expect((await postLink(broker, { token })).text).toContain("This link does not work");
  await expect(late.follow()).rejects.toThrow("This link does not work");
  for (const { pollToken } of [followed, late]) expect((await pollLink(owner, pollToken)).body).toMatchObject(unknown);
  expect(await linked()).toEqual([]);
});

test("an address of another account is not taken over, be it in use or given up, and whose it is stays unsaid", async () => {
  await linkAddress(broker, server, owner, address);
  const { account } = (await owner.call("GET", "/v1/account")).body as { account: string };
  const thief = await enter(Wallet.createRandom());
  const refused = { status: 409, code: "ERR_AUTH_IDENTITY" };
  // Its owner is talked into following the thief's link with the thief's code.
  const attempt = async (): Promise<Answer> => {
    const { pollToken, follow } = await askForLink(broker, server, thief, address);
    await follow();
    return pollLink(thief, pollToken);
  };
  const taken = await attempt();
  expect(taken.body).toMatchObject(refused);
  expect(JSON.stringify(taken.body)).not.toContain(account);
  expect(await linked()).toEqual([address]);
  expect((await owner.call("DELETE", "/v1/account/identities", { type: "email", value: address })).status).toBe(204);
  expect((await attempt()).body).toEqual({ ...taken.body, request_id: expect.any(String) });
  expect(await linked(thief)).toEqual([]);
});

test("of two who have proven one address the first to ask has it", async () => {
  const other = await enter(Wallet.createRandom());
  const [mine, theirs] = [await asked(), await askForLink(broker, server, other, address)];
  await mine.follow();
  await theirs.follow();
  const answers = await Promise.all([pollLink(owner, mine.pollToken), pollLink(other, theirs.pollToken)]);
  expect(answers.map(({ status }) => status).toSorted((one, next) => one - next)).toEqual([201, 409]);
  expect([...(await linked()), ...(await linked(other))]).toEqual([address]);
});

test("a link is asked for alike, whoever has the address", async () => {
  await linkAddress(broker, server, owner, address);
  const stranger = await enter(Wallet.createRandom());
  const start = async (email: string) => {
    const { status, body } = await stranger.call("POST", "/v1/account/identities/email/start", { email });
    return [status, Object.keys(body).toSorted()];
  };
  expect(await start(address)).toEqual(await start(`free-${address}`));
});
