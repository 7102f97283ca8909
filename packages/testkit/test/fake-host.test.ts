import { createPublicKey, verify } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fromBase64, isConsistency } from "@agentkeys/log";
import { afterEach, describe, expect, it } from "vitest";
import { createCall, createFakeHost, createIdentityTokens, createTestLog, type FakeHost } from "../src/index.ts";

const servers: Server[] = [];
const hosts: FakeHost[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) server.closeAllConnections();
  await Promise.all(hosts.splice(0).map(async (host) => host.dispose()));
});

function makeHost(...options: Parameters<typeof createFakeHost>): FakeHost {
  const host = createFakeHost(...options);
  hosts.push(host);
  return host;
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a fake host", () => {
  it("has a clock that moves only when it is moved", () => {
    const host = makeHost({ now: 1000 });
    expect([host.now(), host.now()]).toEqual([1000, 1000]);
    host.advance(500);
    expect(host.now()).toBe(1500);
    expect(createCall(host, { timeout: 100 }).deadline).toBe(1600);
  });
  it("gives the same randomness to the same seed, other to another, and never the same twice", () => {
    const [one, same, other] = ["a", "a", "b"].map((seed) => makeHost({ seed }));
    const first = one!.random(16);
    expect(first).toHaveLength(16);
    expect(same!.random(16)).toEqual(first);
    expect(other!.random(16)).not.toEqual(first);
    expect(one!.random(16)).not.toEqual(first);
    expect(one!.random(0)).toHaveLength(0);
    expect(one!.randomBytes).toBe(32);
  });
  it("keeps what is logged and measured, as it was then", () => {
    const host = makeHost();
    const fields = { a: [1] };
    host.log("warn", "late", fields);
    fields.a.push(2);
    host.metric("sent", 2);
    expect(host.logs).toEqual([{ level: "warn", event: "late", fields: { a: [1] } }]);
    expect(host.metrics).toEqual([{ name: "sent", value: 2 }]);
  });
  it("opens the secrets it was given and no other", async () => {
    const host = makeHost({ secrets: { "a/key": "x", TOKEN: "y" } });
    expect(await host.secret({ file: "a/key" })).toBe("x");
    expect(await host.secret({ env: "TOKEN" })).toBe("y");
    await expect(host.secret({ file: "constructor" })).rejects.toMatchObject({ code: "ERR_CONFIG_SECRET" });
  });
  it("makes a data directory when asked for one, and removes it", async () => {
    const host = makeHost();
    const { dataDirectory } = host;
    expect(existsSync(dataDirectory)).toBe(true);
    expect(host.dataDirectory).toBe(dataDirectory);
    await host.dispose();
    expect(existsSync(dataDirectory)).toBe(false);
  });
});

describe("a fake host's fetch", () => {
  it("really fetches loopback addresses and keeps what was asked", async () => {
    const url = await serve((request, response) => {
      response.writeHead(201, { "x-method": request.method ?? "", "set-cookie": ["a=1", "b=2"] });
      request.pipe(response);
    });
    const host = makeHost();
    const answer = await host.fetch(url, { method: "POST", body: "hello" });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-method")).toBe("POST");
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(Buffer.from(answer.body).toString()).toBe("hello");
    expect(host.requests).toEqual([{ url, method: "POST", body: "hello" }]);
  });
  it("reaches nothing else, follows no redirect, and takes no more than maxBytes", async () => {
    const url = await serve((request, response) => {
      response.writeHead(request.url === "/far" ? 302 : 200, { location: "https://example.com/" });
      response.end("x".repeat(100));
    });
    const host = makeHost();
    const refused = { code: "ERR_REQUEST_UNREACHABLE" };
    await expect(host.fetch("https://example.com/")).rejects.toMatchObject(refused);
    await expect(host.fetch("http://127.0.0.1.example.com/")).rejects.toMatchObject(refused);
    await expect(host.fetch("not a url")).rejects.toMatchObject(refused);
    await expect(host.fetch(url, { maxBytes: 99 })).rejects.toMatchObject(refused);
    await expect(host.fetch("http://127.0.0.1:1/")).rejects.toMatchObject(refused);
    expect((await host.fetch(`${url}/far`)).status).toBe(302);
    expect((await host.fetch(url, { maxBytes: 100 })).body).toHaveLength(100);
  });
  it("ends with its signal, on the wire and where a handler never answers", async () => {
    const url = await serve(() => undefined);
    for (const host of [makeHost(), makeHost({ fetch: async () => Promise.withResolvers<never>().promise })]) {
      const gone = new AbortController();
      const answer = host.fetch(url, { signal: gone.signal });
      gone.abort();
      await expect(answer).rejects.toMatchObject({ code: "ERR_REQUEST_UNREACHABLE" });
      await expect(host.fetch(url, { signal: gone.signal })).rejects.toMatchObject({ code: "ERR_REQUEST_UNREACHABLE" });
    }
  });
});

describe("a call", () => {
  it("is named, and aborts with its deadline or with the signal it was given", async () => {
    const host = makeHost();
    const gone = new AbortController();
    const [late, ended] = [createCall(host, { timeout: 5 }), createCall(host, { signal: gone.signal })];
    expect(late.requestId).not.toBe(ended.requestId);
    gone.abort();
    expect(ended.signal.aborted).toBe(true);
    await expect.poll(() => late.signal.aborted).toBe(true);
  });
});

describe("identity tokens", () => {
  it.each(["ES256", "RS256"] as const)("of %s verify by the published key and say what the order says", (algorithm) => {
    const tokens = createIdentityTokens();
    const order = {
      record: "r",
      account: "a",
      agent: "agt_x",
      grant: "g",
      scope: { actions: ["token"], resources: ["x"] },
      credentialId: "jti_x",
      issuedAt: 10,
      expiresAt: 20,
    };
    const token = tokens.make({ audience: "https://api.example.com", algorithm }, order);
    const [header, claims, signature] = token.split(".");
    const { kid } = JSON.parse(Buffer.from(header!, "base64url").toString());
    const jwk = tokens.jwks.keys.find((key) => key["kid"] === kid && key["alg"] === algorithm);
    const key = { key: createPublicKey({ key: jwk as never, format: "jwk" }), dsaEncoding: "ieee-p1363" as const };
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify("sha256", signed, key, Buffer.from(signature!, "base64url"))).toBe(true);
    expect(jwk).not.toHaveProperty("d");
    expect(JSON.parse(Buffer.from(claims!, "base64url").toString())).toEqual({
      iss: "https://keys.example",
      sub: "agentkeys:agent:agt_x",
      aud: "https://api.example.com",
      iat: 10,
      exp: 20,
      jti: "jti_x",
      agentkeys: { account: "a", agent: "agt_x", grant: "g", record: "r" },
    });
  });
});

describe("a test log", () => {
  it("grows, proves that it grew, and is the same log for the same name", async () => {
    const [log, same] = [createTestLog(), createTestLog()];
    for (const one of [log, same]) one.grow(5);
    log.grow(4);
    expect(same.head()).toEqual(log.head(5));
    const proof = (await log.tools.prove(5, 9)).map(fromBase64);
    expect(isConsistency(5, 9, fromBase64(log.head(5).root), fromBase64(log.head().root), proof)).toBe(true);
  });
  it("forks into another log of the same name and key, whose past is the same up to the fork", () => {
    const log = createTestLog();
    log.grow(5);
    const fork = log.fork(3);
    fork.grow(2);
    expect(fork.vkey).toBe(log.vkey);
    expect(fork.head(3)).toEqual(log.head(3));
    expect(fork.head(5).root).not.toBe(log.head(5).root);
    expect(fork.fork(3).size).toBe(3);
  });
});
