// Nothing is released unless the caller holds a session that began with the proof of an identity.
import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, SignJWT, UnsecuredJWT } from "jose";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Caller, pair, poll, scope, signIn, startPairing } from "../../apps/broker/test/flows/harness.ts";
import { assertReleasesNothing, prepare, type Ground } from "./ground.ts";

const ordinary = { issuer: "oidc", scope, ttl: 300 };

let ground: Ground;
beforeAll(async () => {
  ground = await prepare();
});
afterAll(() => ground.broker.close());

/** The agent, with another token in its hand. */
async function askWith(token: string | undefined) {
  const { agent } = ground;
  const held = agent.token;
  agent.token = token;
  try {
    return await ask(agent);
  } finally {
    agent.token = held;
  }
}

const tokens: readonly (readonly [string, () => Promise<string | undefined> | string | undefined])[] = [
  ["no token", () => undefined],
  ["text that is no token", () => "a.b.c"],
  ["its refresh token", () => ground.agent.refreshToken],
  ["the credential it was issued", async () => (await ask(ground.agent)).body.credential.value],
  ["its own token, signed by nobody", () => new UnsecuredJWT(decodeJwt(ground.agent.token!)).encode()],
  [
    "its own token, signed by another key under the broker's kid",
    async () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const header = decodeProtectedHeader(ground.agent.token!) as { alg: string };
      return new SignJWT(decodeJwt(ground.agent.token!)).setProtectedHeader(header).sign(privateKey);
    },
  ],
  [
    "its own token, under the public key taken for a shared secret",
    async () => {
      const jwks = await (await fetch(`${ground.broker.url}/.well-known/jwks.json`)).text();
      const header = { ...decodeProtectedHeader(ground.agent.token!), alg: "HS256" };
      return new SignJWT(decodeJwt(ground.agent.token!)).setProtectedHeader(header).sign(Buffer.from(jwks));
    },
  ],
  [
    "its own token with one byte of the signature changed",
    () => {
      const [header, payload, signature = ""] = ground.agent.token!.split(".");
      const bytes = Buffer.from(signature, "base64url");
      bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
      return `${header}.${payload}.${bytes.toString("base64url")}`;
    },
  ],
];

test.each(tokens)("not with %s", async (_, make) => {
  const token = await make();
  await assertReleasesNothing(ground, "ERR_SESSION_TOKEN", () => askWith(token));
});

test("not to a person's own session", async () => {
  await assertReleasesNothing(ground, "ERR_SESSION_CALLER", () => ask(ground.person));
});

test("not with a bearer token in place of a bound one", async () => {
  await assertReleasesNothing(ground, "ERR_SESSION_TOKEN", () =>
    ground.agent.call("POST", "/v1/credentials", ordinary, {
      authorization: `Bearer ${ground.agent.token}`,
      "idempotency-key": "one-for-this-alone",
    }),
  );
});

test("not to an agent whose session was ended", async () => {
  const { agent, id } = await pair(ground.broker, ground.person);
  expect((await ground.person.call("DELETE", `/v1/agents/${id}`)).status).toBe(204);
  await assertReleasesNothing(ground, "ERR_SESSION_TOKEN", () => ask(agent));
});

test("not to an agent that nobody approved: it gets no session at all", async () => {
  const agent = await Caller.open(ground.broker.url);
  const started = await startPairing(agent);
  expect((await poll(agent, started.body.device_code)).status).toBe(400);
  await assertReleasesNothing(ground, "ERR_SESSION_TOKEN", () => ask(agent));
});

test("not to a stranger, whose proof opens no session where sign-up is closed", async () => {
  const stranger = await Caller.open(ground.broker.url);
  const answer = await signIn(stranger, Wallet.createRandom());
  expect(answer.body.code).toBe("ERR_AUTH_SIGN_UP");
  expect(JSON.stringify(answer.body)).not.toContain("token");
});
