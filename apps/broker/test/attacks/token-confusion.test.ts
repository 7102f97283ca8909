// Every secret the broker gives out, shown in every place that takes another: it is of use nowhere, and nothing is harmed.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startMailServer, type MailServer } from "../../../../packages/auth-email/test/support/mail-server.ts";
import {
  ask,
  Caller,
  claim,
  freePort,
  grant,
  openBroker,
  pair,
  startPairing,
  type Answer,
  type TestBroker,
} from "../flows/harness.ts";
import { emailTable } from "../flows/mail.ts";

let broker: TestBroker;
let mail: MailServer;
let person: Caller;
let agent: Caller;
let agentId: string;
let pairing: Caller;
/** By what it is. All are live until the last test says so. */
const secrets = new Map<string, string>();

beforeAll(async () => {
  mail = await startMailServer();
  const own = await freePort();
  broker = await openBroker(
    `public_url = "http://localhost:${own}"\n[auth]\nmethods = ["walletsig", "email"]\n${emailTable(mail)}` +
      ["sign_ins", "messages", "failures", "codes", "calls"].reduce(
        (text, key) => `${text}${key} = 100000\n`,
        "[limits]\n",
      ) +
      ["http://*", "https://*"]
        .map(
          (pattern) =>
            `[[rights]]\nwho = { role = "operator" }\nissuer = "oidc"\nmax_ttl = "1h"\n` +
            `scope = { actions = ["token"], resources = ["${pattern}"] }\n`,
        )
        .join(""),
    own,
  );
  ({ caller: person } = await claim(broker));
  ({ agent, id: agentId } = await pair(broker, person));
  await grant(person, agentId);
  const minted = await ask(agent);
  pairing = await Caller.open(broker.url);
  const started = await startPairing(pairing);
  const mailed = await (await Caller.open(broker.url)).call("POST", "/v1/auth/email/start", { email: "a@example.com" });
  const challenge = await (
    await Caller.open(broker.url)
  ).call("POST", "/v1/auth/walletsig/start", { address: `0x${"11".repeat(20)}`, chain_id: 1 });
  const invite = await person.call("POST", "/v1/accounts/invites", { role: "member", expires_in: 3600 });
  const all: Record<string, unknown> = {
    "person's access token": person.token,
    "person's refresh token": person.refreshToken,
    "agent's access token": agent.token,
    "agent's refresh token": agent.refreshToken,
    "workload token": minted.body["credential"].value,
    "device code": started.body["device_code"],
    "user code": started.body["user_code"],
    "poll token": mailed.body["poll_token"],
    "challenge id": challenge.body["challenge_id"],
    "invite code": invite.body["code"],
    "agent's id": agentId,
    nonce: person.nonce,
  };
  for (const [name, value] of Object.entries(all)) secrets.set(name, String(value));
});
afterAll(async () => {
  await broker.close();
  await mail.close();
});

const form = (fields: Record<string, string>) => new URLSearchParams(fields);
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

/** Each place, what belongs there, and how one shows a secret there. */
const places: readonly (readonly [string, readonly string[], (by: Caller, secret: string) => Promise<Answer>])[] = [
  ["a person's route", ["person's access token"], async (by, token) => shown(by, token, "GET", "/v1/account")],
  ["an agent's route", ["agent's access token"], async (by, token) => shown(by, token, "GET", "/v1/grants/mine")],
  [
    "the refresh",
    ["person's refresh token", "agent's refresh token"],
    async (by, token) => bare(by, "/oauth/token", form({ grant_type: "refresh_token", refresh_token: token })),
  ],
  [
    "the device grant",
    ["device code"],
    async (by, code) =>
      bare(by, "/oauth/token", form({ grant_type: deviceGrant, device_code: code, client_id: "agentkeys" })),
  ],
  ["the poll", ["poll token"], async (by, token) => bare(by, "/v1/auth/poll", { poll_token: token })],
  [
    "the claim",
    ["invite code"],
    async (by, code) => bare(by, "/v1/auth/email/start", { email: "b@example.com", claim_code: code }),
  ],
];

async function shown(by: Caller, token: string, method: string, path: string): Promise<Answer> {
  const own = by.token;
  by.token = token;
  return by.call(method, path).finally(() => (by.token = own));
}

async function bare(by: Caller, path: string, body: unknown): Promise<Answer> {
  const own = by.token;
  by.token = undefined;
  return by.call("POST", path, body).finally(() => (by.token = own));
}

test("a secret is taken nowhere but in its own place, whoever's key shows it", async () => {
  const taken: string[] = [];
  for (const [place, own, show] of places) {
    for (const [name, secret] of secrets) {
      if (own.includes(name)) continue;
      for (const by of [person, agent, pairing]) {
        const { status } = await show(by, secret);
        if (![400, 401, 403].includes(status)) taken.push(`${name} in ${place}: ${status}`);
      }
    }
  }
  // Few guesses: the fifth would close the door for the account.
  for (const name of ["device code", "poll token", "invite code"]) {
    const { status } = await person.call("POST", "/v1/pairings/view", { user_code: secrets.get(name) });
    if (![400, 404].includes(status)) taken.push(`${name} in the approval: ${status}`);
  }
  expect(taken).toEqual([]);
});

test("a token is shown by DPoP alone, and by one header", async () => {
  const send = async (authorization: string) => {
    const proof = await agent.proof("GET", "/v1/grants/mine");
    return (await fetch(`${broker.url}/v1/grants/mine`, { headers: { authorization, dpop: proof } })).status;
  };
  await agent.call("GET", "/v1/grants/mine");
  for (const wrong of [`Bearer ${agent.token}`, `${agent.token}`, `DPoP ${agent.token}, DPoP x`]) {
    expect([wrong.slice(0, 8), await send(wrong)]).toEqual([wrong.slice(0, 8), 401]);
  }
  expect(await send(`DPoP ${agent.token}`)).toBe(200);
});

test("no credential is minted for the broker itself, however its address is spelt", async () => {
  const { host, hostname, port } = new URL(broker.url);
  const under = (resource: string) => ({ scope: { actions: ["token"], resources: [resource] } });
  for (const pattern of ["http://*", "https://*"])
    expect((await grant(person, agentId, under(pattern))).status).toBe(201);
  const spellings = [
    broker.url,
    `${broker.url}/`,
    `${broker.url}/v1/credentials`,
    `${broker.url}?x`,
    `https://${host}`,
    `https://${host}/`,
    `http://LOCALHOST:${port}`,
    `HTTP://${host}`,
    `http://${host}/%2e`,
    `http://${host}/./`,
    `http://a@${host}/`,
    `http://${hostname}.:${port}`,
    `https://${hostname}.:${port}/x`,
  ];
  const minted = [];
  for (const resource of spellings) {
    const answer = await ask(agent, under(resource));
    if (answer.status < 400) minted.push(resource);
  }
  expect(minted).toEqual([]);
});

test("after all that every secret is good in its own place", async () => {
  expect((await person.call("GET", "/v1/account")).status).toBe(200);
  expect((await agent.call("GET", "/v1/grants/mine")).status).toBe(200);
  for (const by of [person, agent]) {
    const renewed = await bare(
      by,
      "/oauth/token",
      form({ grant_type: "refresh_token", refresh_token: by.refreshToken! }),
    );
    expect(renewed.status).toBe(200);
  }
  expect((await person.call("POST", "/v1/pairings/approve", { user_code: secrets.get("user code") })).status).toBe(201);
});
