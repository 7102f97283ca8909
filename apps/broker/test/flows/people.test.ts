import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  Caller,
  claim,
  grant,
  openBroker,
  pair,
  poll,
  scope,
  signIn,
  startPairing,
  type TestBroker,
} from "./harness.ts";

let broker: TestBroker;
let person: Caller;
let account: string;
let wallet: Awaited<ReturnType<typeof claim>>["wallet"];

beforeAll(async () => {
  broker = await openBroker();
});
afterAll(() => broker.close());

test("a wrong claim code opens no account, and the right one opens the operator's, once", async () => {
  const stranger = await Caller.open(broker.url);
  const wrong = await signIn(stranger, Wallet.createRandom(), "0".repeat(26));
  expect(wrong.body).toMatchObject({ status: 403, code: "ERR_AUTH_CLAIM_CODE" });
  expect((await signIn(stranger, Wallet.createRandom())).body["code"]).toBe("ERR_AUTH_SIGN_UP");
  const code = broker.claimCode();
  ({ caller: person, account, wallet } = await claim(broker));
  expect((await person.call("GET", "/v1/account")).body).toMatchObject({
    account,
    role: "operator",
    identities: [{ type: "evm", value: wallet.address.toLowerCase() }],
  });
  expect((await signIn(stranger, Wallet.createRandom(), code)).body["code"]).toBe("ERR_AUTH_CLAIM_CODE");
  expect(() => broker.claimCode()).toThrow("ENOENT");
});

test("the log has what was refused, and not that a program was given its first nonce", async () => {
  person.nonce = undefined;
  expect((await person.once("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_NONCE");
  const refused = broker.lines.filter((line) => line.includes("http.request")).join("");
  expect(refused).toContain("ERR_AUTH_CLAIM_CODE");
  expect(refused).not.toContain("ERR_SESSION_NONCE");
});

test("the claim code is never in the log", () => {
  expect(broker.lines.filter((line) => line.startsWith("{") && line.includes("claim"))).toEqual([]);
});

test("a challenge is answered once, by the address that asked, for the key that answers", async () => {
  const caller = await Caller.open(broker.url);
  const start = await caller.call("POST", "/v1/auth/walletsig/start", { address: wallet.address, chain_id: 1 });
  const { challenge_id, message } = start.body;
  const other = await Wallet.createRandom().signMessage(message as string);
  expect(
    (await caller.call("POST", "/v1/auth/walletsig/finish", { challenge_id, message, signature: other })).body["code"],
  ).toBe("ERR_AUTH_PROOF");
  const signature = await wallet.signMessage(message as string);
  expect((await caller.call("POST", "/v1/auth/walletsig/finish", { challenge_id, message, signature })).status).toBe(
    200,
  );
  expect(
    (await caller.call("POST", "/v1/auth/walletsig/finish", { challenge_id, message, signature })).body["code"],
  ).toBe("ERR_AUTH_CHALLENGE");
});

test("a refresh token works once; its second use ends the session", async () => {
  const caller = await Caller.open(broker.url);
  caller.take((await signIn(caller, wallet)).body);
  const refresh = async (token: string) => {
    const bare = caller.token;
    caller.token = undefined;
    const answer = await caller.call(
      "POST",
      "/oauth/token",
      new URLSearchParams({ grant_type: "refresh_token", refresh_token: token }),
    );
    caller.token = bare;
    return answer;
  };
  const old = caller.refreshToken!;
  const rotated = await refresh(old);
  expect(rotated.status).toBe(200);
  expect(rotated.body["refresh_token"]).not.toBe(old);
  caller.take(rotated.body);
  expect((await caller.call("GET", "/v1/account")).status).toBe(200);
  expect((await refresh(old)).body).toMatchObject({ error: "invalid_grant", code: "ERR_SESSION_GRANT" });
  expect((await caller.call("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_TOKEN");
});

test("a refresh token of another key is refused and harms nothing", async () => {
  const thief = await Caller.open(broker.url);
  const answer = await thief.call(
    "POST",
    "/oauth/token",
    new URLSearchParams({ grant_type: "refresh_token", refresh_token: person.refreshToken! }),
  );
  expect(answer.body["error"]).toBe("invalid_grant");
  expect((await person.call("GET", "/v1/account")).status).toBe(200);
});

test("a device code is of use to the key and client that asked for it, and polling too soon is slowed down", async () => {
  const agent = await Caller.open(broker.url);
  const started = await startPairing(agent);
  const code = started.body["device_code"] as string;
  const thief = await Caller.open(broker.url);
  expect((await poll(thief, code)).body["error"]).toBe("invalid_grant");
  expect((await poll(agent, code)).body["error"]).toMatch(/authorization_pending|slow_down/u);
  expect((await poll(agent, code)).body["error"]).toBe("slow_down");
  const seen = await person.call("POST", "/v1/pairings/view", {
    user_code: (started.body["user_code"] as string).toLowerCase(),
  });
  expect(seen.body).toMatchObject({ client_name: "build-bot", address: "127.0.0.1" });
  expect((await person.call("POST", "/v1/pairings/deny", { user_code: started.body["user_code"] })).status).toBe(204);
  expect((await poll(agent, code)).body["error"]).toBe("access_denied");
});

test("an agent cannot approve itself, nor a client that is not on the list ask", async () => {
  const { agent } = await pair(broker, person);
  const started = await startPairing(await Caller.open(broker.url));
  expect(
    (await agent.call("POST", "/v1/pairings/approve", { user_code: started.body["user_code"] })).body["code"],
  ).toBe("ERR_SESSION_CALLER");
  const unknown = await (
    await Caller.open(broker.url)
  ).call("POST", "/oauth/device_authorization", new URLSearchParams({ client_id: "evil" }));
  expect(unknown.body["error"]).toBe("invalid_client");
});

test("five wrong user codes shut an account out for a while, even with the right one", async () => {
  const member = await Caller.open(broker.url);
  member.take((await signIn(member, wallet)).body);
  const started = await startPairing(await Caller.open(broker.url));
  for (let at = 0; at < 5; at++)
    expect((await member.call("POST", "/v1/pairings/view", { user_code: `AAAA-AAA${at}` })).status).toBe(404);
  for (const code of ["AAAA-AAA5", started.body["user_code"] as string]) {
    const locked = await member.call("POST", "/v1/pairings/view", { user_code: code });
    expect(locked.body).toMatchObject({ status: 429, code: "ERR_REQUEST_RATE_LIMITED" });
    expect(locked.body["detail"]).toMatch(/^5 wrong codes were typed; wait \d+ s$/u);
    expect(locked.body["retry_after"]).toBeGreaterThan(590);
  }
});

test("a grant wider than the rights is refused when it is made", async () => {
  const opened = await openBroker();
  const { caller } = await claim(opened);
  const { id } = await pair(opened, caller);
  expect((await grant(caller, id, { scope: { actions: ["token"], resources: ["urn:not:https"] } })).body["code"]).toBe(
    "ERR_GRANT_EXCEEDS_RIGHTS",
  );
  expect((await grant(caller, id, { constraints: { max_ttl: 3601 } })).body["code"]).toBe("ERR_GRANT_EXCEEDS_RIGHTS");
  expect((await grant(caller, id, { scope: { actions: ["token"], resources: [opened.url] } })).body["code"]).toMatch(
    /ERR_GRANT_(AUDIENCE|EXCEEDS_RIGHTS)/u,
  );
  expect((await grant(caller, "agt_00000000000000000000000000")).body["code"]).toBe("ERR_GRANT_NOT_FOUND");
  expect((await grant(caller, id, { scope: { ...scope, resources: ["a/../b"] } })).body["code"]).toBe(
    "ERR_GRANT_SCOPE",
  );
  await opened.close();
});

test("an account without rights grants nothing", async () => {
  const opened = await openBroker('[accounts]\nsign_up = "open"\n');
  await claim(opened);
  const member = await Caller.open(opened.url);
  member.take((await signIn(member, Wallet.createRandom())).body);
  const { id } = await pair(opened, member);
  expect((await grant(member, id)).body).toMatchObject({ status: 403, code: "ERR_GRANT_EXCEEDS_RIGHTS" });
  await opened.close();
});

test("a wallet is bound by its own signature, and an address has one account", async () => {
  const bind = async (caller: Caller, key: { address: string; signMessage(text: string): Promise<string> }) => {
    const start = await caller.call("POST", "/v1/wallets/start", { address: key.address });
    return caller.call("POST", "/v1/wallets/finish", {
      challenge_id: start.body["challenge_id"],
      signature: await key.signMessage(start.body["message"] as string),
    });
  };
  const key = Wallet.createRandom();
  expect((await bind(person, key)).body).toEqual({
    address: key.address.toLowerCase(),
    family: "evm",
    custody: "person",
  });
  expect((await person.call("GET", "/v1/wallets")).body["wallets"]).toHaveLength(1);
});

test("sessions are listed and ended by their person", async () => {
  const caller = await Caller.open(broker.url);
  caller.take((await signIn(caller, wallet)).body);
  const { sessions } = (await caller.call("GET", "/v1/sessions")).body as {
    sessions: { id: string; current: boolean }[];
  };
  expect(sessions.filter((one) => one.current)).toHaveLength(1);
  expect((await caller.call("DELETE", `/v1/sessions/${sessions.find((one) => one.current)!.id}`)).status).toBe(204);
  expect((await caller.call("GET", "/v1/account")).body["code"]).toBe("ERR_SESSION_TOKEN");
});
