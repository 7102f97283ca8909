import { once } from "node:events";
import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { AgentKeysError } from "@agentkeys/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as v from "valibot";
import { makeKey, openConnection, problemOf, type ConnectionOptions, type Session } from "../src/index.ts";
import { heldClock } from "./held-clock.ts";
import { problem, startTestBroker, tokens, type TestBroker } from "./test-broker.ts";

const key = await makeKey();
let broker: TestBroker;
beforeEach(async () => {
  broker = await startTestBroker();
  broker.routes.set("GET /v1/account", () => ({ status: 200, body: { account: "a1" } }));
});
afterEach(async () => broker.close());

const clock = heldClock();
const session = (): Session => ({
  accessToken: "access-1",
  expiresAt: clock.now() + 600_000,
  refreshToken: "refresh-1",
});
const open = (more: Partial<ConnectionOptions> = {}) =>
  openConnection({ broker: broker.url, key, session: session(), clock, ...more });
const account = { method: "GET", path: "/v1/account" } as const;
const accountSchema = v.object({ account: v.string() });

describe("proofs", () => {
  it("a call is repeated once with the nonce it is given, and the next call has it at once", async () => {
    const connection = open();
    expect(await connection.ask({ ...account, path: "/v1/account?x=1" }, accountSchema)).toEqual({ account: "a1" });
    await connection.send(account);
    expect(broker.received).toHaveLength(2);
    expect(new Set(broker.received.map(({ jti }) => jti)).size).toBe(2);
    expect(broker.received[0]!.thumbprint).toBe(key.thumbprint);
    expect(broker.received[0]!.headers.authorization).toBe("DPoP access-1");
  });

  it("a broker that asks for another nonce each time is asked twice, not for ever", async () => {
    let asked = 0;
    broker.routes.set("GET /v1/account", () => {
      asked++;
      return { ...problem(401, "ERR_SESSION_NONCE"), headers: { "dpop-nonce": `other-${asked}` } };
    });
    broker.nonce = undefined;
    await expect(open().send(account)).rejects.toMatchObject({ code: "ERR_SESSION_NONCE" });
    expect(asked).toBe(2);
  });

  it("a call that shows nothing sends neither proof nor token", async () => {
    await open().send({ ...account, show: "nothing" });
    expect(broker.received[0]!.headers).not.toHaveProperty("dpop");
    expect(broker.received[0]!.headers).not.toHaveProperty("authorization");
  });
});

describe("renewal", () => {
  const expired = (): Session => ({ ...session(), expiresAt: clock.now() - 1 });

  it("many calls at once renew an expired token once, by the refresh token as a form", async () => {
    broker.routes.set("POST /oauth/token", () => tokens({ agent: "agt_1" }));
    const connection = open({ session: expired(), clientId: "reporter" });
    await Promise.all(Array.from({ length: 5 }, async () => connection.send(account)));
    const [renewal, ...others] = broker.received.filter(({ path }) => path === "/oauth/token");
    expect(others).toHaveLength(0);
    expect(Object.fromEntries(new URLSearchParams(renewal!.text))).toEqual({
      grant_type: "refresh_token",
      refresh_token: "refresh-1",
      client_id: "reporter",
    });
    expect(renewal!.headers).not.toHaveProperty("authorization");
  });

  it("a renewed session is stored before it is used", async () => {
    broker.routes.set("POST /oauth/token", () => tokens({ agent: "agt_1" }));
    let callsBefore = -1;
    const saved: Session[] = [];
    const keeper = {
      async save(renewed: Session) {
        await setImmediate();
        callsBefore = broker.count("/v1/account");
        saved.push(renewed);
      },
    };
    await open({ session: expired(), keeper }).send(account);
    expect(callsBefore).toBe(0);
    expect(saved[0]!.expiresAt).toBe(clock.now() + 600_000);
    expect(broker.received.at(-1)!.headers.authorization).toBe(`DPoP ${saved[0]!.accessToken}`);
  });

  it("a session that could not be stored is not used", async () => {
    broker.routes.set("POST /oauth/token", () => tokens({ agent: "agt_1" }));
    const keeper = {
      async save() {
        throw new Error("the disk is full");
      },
    };
    const connection = open({ session: expired(), keeper });
    await expect(connection.send(account)).rejects.toThrow("the disk is full");
    await expect(connection.send(account)).rejects.toThrow("the disk is full");
    expect(broker.count("/v1/account")).toBe(0);
  });

  it("a session that never ends is not believed, and not stored: its end could not be read again", async () => {
    const saved: Session[] = [];
    broker.routes.set("POST /oauth/token", () => tokens({ agent: "agt_x" }, 1e300));
    const connection = open({ session: expired(), keeper: { save: async (kept) => void saved.push(kept) } });
    await expect(connection.send(account)).rejects.toMatchObject({ code: "ERR_REQUEST_ANSWER" });
    expect(saved).toEqual([]);
  });

  it("a refused token is renewed once, and a second refusal is the answer", async () => {
    broker.routes.set("POST /oauth/token", () => tokens({ agent: "agt_1" }));
    broker.routes.set("GET /v1/account", () => problem(401, "ERR_SESSION_TOKEN"));
    await expect(open().send(account)).rejects.toMatchObject({ code: "ERR_SESSION_TOKEN" });
    expect(broker.count("/oauth/token")).toBe(1);
    expect(broker.count("/v1/account")).toBe(2);
  });

  it("a session that another process has renewed is taken over in place of a second renewal", async () => {
    const stored = { ...session(), accessToken: "access-of-the-other", refreshToken: "refresh-2" };
    const keeper = {
      async save() {},
      exclusively: async <Result>(work: (stored: Session) => Promise<Result>) => work(stored),
    };
    await open({ session: expired(), keeper }).send(account);
    expect(broker.count("/oauth/token")).toBe(0);
    expect(broker.received.at(-1)!.headers.authorization).toBe("DPoP access-of-the-other");
  });

  it("a stored session that is spent too is renewed by its own refresh token", async () => {
    broker.routes.set("POST /oauth/token", () => tokens({ agent: "agt_1" }));
    const stored = { ...expired(), refreshToken: "refresh-2" };
    const keeper = {
      async save() {},
      exclusively: async <Result>(work: (stored: Session) => Promise<Result>) => work(stored),
    };
    await open({ session: expired(), keeper }).send(account);
    const renewal = broker.received.find(({ path }) => path === "/oauth/token");
    expect(new URLSearchParams(renewal!.text).get("refresh_token")).toBe("refresh-2");
  });

  it("without a session nothing is sent", async () => {
    await expect(open({ session: undefined }).send(account)).rejects.toMatchObject({ code: "ERR_CONFIG_PROFILE" });
    expect(broker.received).toHaveLength(0);
  });
});

describe("refusals", () => {
  it("a problem document becomes its code, detail and facts, and the rest can be read", async () => {
    broker.routes.set("GET /v1/account", () =>
      problem(429, "ERR_REQUEST_RATE_LIMITED", {
        detail: "30 a minute",
        retry_after: 7,
        next_step: "Wait.",
        facts: { retry_after: 7 },
      }),
    );
    const error: unknown = await open()
      .send(account)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "ERR_REQUEST_RATE_LIMITED", message: "30 a minute", facts: { retryAfter: 7 } });
    expect(problemOf(error)).toEqual({ status: 429, requestId: "req_1", retryAfter: 7, nextStep: "Wait." });
    expect(problemOf(new AgentKeysError("ERR_INTERNAL", "ours", {}))).toBeUndefined();
  });

  it.each([
    ["a page in place of an answer", { status: 200, body: "<html>" }, "ERR_REQUEST_ANSWER"],
    ["another member type", { status: 200, body: { account: 7 } }, "ERR_REQUEST_ANSWER"],
    ["a refusal without a code", { status: 400, body: { message: "no" } }, "ERR_REQUEST_ANSWER"],
    ["a code that is not registered", problem(400, "ERR_FROM_LATER"), "ERR_REQUEST_ANSWER"],
    ["a code that every object has", problem(400, "constructor"), "ERR_REQUEST_ANSWER"],
    ["a gateway that reaches nobody", { status: 502, body: "<html>" }, "ERR_REQUEST_UNREACHABLE"],
    ["too much", { status: 200, body: `{"account":"a1"}${" ".repeat(1_048_576)}` }, "ERR_REQUEST_ANSWER"],
  ])("%s is refused", async (_, answer, code) => {
    broker.routes.set("GET /v1/account", () => answer);
    await expect(open().ask(account, accountSchema)).rejects.toMatchObject({ code });
  });

  it("a redirect is not followed", async () => {
    broker.routes.set("GET /v1/account", () => ({ status: 307, headers: { location: `${broker.url}/elsewhere` } }));
    await expect(open().send(account)).rejects.toMatchObject({ code: "ERR_REQUEST_ANSWER" });
    expect(broker.count("/elsewhere")).toBe(0);
  });

  it("a broker that is not there is unreachable, by name", async () => {
    const url = broker.url;
    await broker.close();
    await expect(open().send(account)).rejects.toMatchObject({
      code: "ERR_REQUEST_UNREACHABLE",
      facts: { url: `${url}/v1/account`, reason: expect.stringContaining("ECONNREFUSED") },
    });
    broker = await startTestBroker();
  });

  it("a broker that hangs, before its answer or within it, meets the deadline", async () => {
    const silent = createServer((request, response) => {
      if (request.url === "/half") response.write("{");
    });
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const connection = open({ broker: `http://127.0.0.1:${port}`, within: 100 });
    for (const path of ["/", "/half"]) {
      await expect(connection.send({ method: "GET", path })).rejects.toMatchObject({
        code: "ERR_REQUEST_TIMEOUT",
        facts: { milliseconds: 100 },
      });
    }
    silent.closeAllConnections();
    silent.close();
  });

  it("the caller's own abort is the caller's own reason", async () => {
    const reason = new Error("never mind");
    await expect(open().send({ ...account, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
