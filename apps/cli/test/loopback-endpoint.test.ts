import { once } from "node:events";
import { request, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { AgentKeysError } from "@agentkeys/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLoopbackEndpoint, type LoopbackEndpoint } from "../src/loopback/endpoint.ts";
import { UsageError } from "../src/usage-error.ts";

let endpoint: LoopbackEndpoint;
let asked: number;
let serve: () => Promise<object>;

beforeEach(async () => {
  asked = 0;
  serve = async () => Promise.resolve({ Token: "secret" });
  endpoint = await openLoopbackEndpoint(async () => {
    asked++;
    return serve();
  });
});
afterEach(async () => {
  await endpoint.close();
});

interface Change {
  readonly method?: string;
  readonly path?: string;
  /** Undefined takes one out. */
  readonly headers?: OutgoingHttpHeaders;
}

/** Asks as an SDK does, but for the change. */
async function ask({ method = "GET", path, headers = {} }: Change = {}) {
  const { hostname, port, pathname, host } = new URL(endpoint.url);
  const sent = request({
    hostname,
    port,
    method,
    path: path ?? pathname,
    setHost: false,
    headers: Object.fromEntries(
      Object.entries({ host, authorization: endpoint.token, ...headers }).filter(([, value]) => value !== undefined),
    ),
  });
  sent.end();
  const [response] = await once(sent, "response");
  const body = await text(response);
  return { status: response.statusCode, headers: response.headers, body: body === "" ? undefined : JSON.parse(body) };
}

describe("the loopback endpoint", () => {
  it("listens on 127.0.0.1 alone and answers who knows its token, which has 256 bits", async () => {
    const { hostname, port } = new URL(endpoint.url);
    expect(hostname).toBe("127.0.0.1");
    // Who listens on every address is reached by this one too.
    expect(await once(connect(Number(port), "127.0.0.2"), "connect").catch(() => "refused")).toBe("refused");
    expect(Buffer.from(endpoint.token, "base64url")).toHaveLength(32);
    const other = await openLoopbackEndpoint(async () => Promise.resolve({}));
    expect(other.token).not.toBe(endpoint.token);
    await other.close();
    expect(await ask()).toMatchObject({ status: 200, body: { Token: "secret" } });
  });

  it("lets nobody keep an answer, and no page of another site read one", async () => {
    for (const headers of [{}, { authorization: "" }, { origin: "https://evil.example" }]) {
      const answer = await ask({ headers });
      expect(answer.headers).toMatchObject({ "cache-control": "no-store", "content-type": "application/json" });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  });

  const wrong: readonly (readonly [string, number, string, () => Change])[] = [
    ["no token", 401, "ERR_SESSION_TOKEN", () => ({ headers: { authorization: undefined } })],
    ["an empty token", 401, "ERR_SESSION_TOKEN", () => ({ headers: { authorization: "" } })],
    ["another token", 401, "ERR_SESSION_TOKEN", () => ({ headers: { authorization: `${endpoint.token}A` } })],
    ["a part of the token", 401, "ERR_SESSION_TOKEN", () => ({ headers: { authorization: endpoint.token.slice(1) } })],
    [
      "the token as Bearer",
      401,
      "ERR_SESSION_TOKEN",
      () => ({ headers: { authorization: `Bearer ${endpoint.token}` } }),
    ],
    ["a preflight", 401, "ERR_SESSION_TOKEN", () => ({ method: "OPTIONS", headers: { authorization: "" } })],
    ["another Host", 421, "ERR_REQUEST_HOST", () => ({ headers: { host: "rebound.example" } })],
    [
      "localhost as Host",
      421,
      "ERR_REQUEST_HOST",
      () => ({ headers: { host: `localhost:${new URL(endpoint.url).port}` } }),
    ],
    ["a Host without the port", 421, "ERR_REQUEST_HOST", () => ({ headers: { host: "127.0.0.1" } })],
    ["POST", 405, "ERR_REQUEST_METHOD", () => ({ method: "POST" })],
    ["PUT", 405, "ERR_REQUEST_METHOD", () => ({ method: "PUT" })],
    ["another path", 404, "ERR_REQUEST_NOT_FOUND", () => ({ path: "/" })],
    ["a longer path", 404, "ERR_REQUEST_NOT_FOUND", () => ({ path: "/credentials/" })],
    ["a query", 404, "ERR_REQUEST_NOT_FOUND", () => ({ path: "/credentials?x=1" })],
    ["an absolute target", 404, "ERR_REQUEST_NOT_FOUND", () => ({ path: endpoint.url })],
  ];
  it.each(wrong)("refuses %s with %i %s and asks for no credential", async (_, status, code, change) => {
    const answer = await ask(change());
    expect(answer).toMatchObject({ status, body: { code, message: expect.any(String) } });
    expect(Object.keys(answer.body)).toEqual(["code", "message"]);
    expect(JSON.stringify(answer)).not.toContain(endpoint.token);
    expect(asked).toBe(0);
  });

  it("answers HEAD without a body, and not with a credential", async () => {
    expect(await ask({ method: "HEAD" })).toMatchObject({ status: 405, body: undefined });
    expect(asked).toBe(0);
  });

  it.each([
    [new AgentKeysError("ERR_GRANT_TTL", "at most 900 s", { maximum: 900 }), 403, "ERR_GRANT_TTL", "at most 900 s"],
    [
      new AgentKeysError("ERR_REQUEST_UNREACHABLE", "down", { url: "", reason: "" }),
      503,
      "ERR_REQUEST_UNREACHABLE",
      "down",
    ],
    [new UsageError("of another type"), 500, "ERR_INTERNAL", "of another type"],
  ])("tells a failure as code and message: %s", async (fault, status, code, message) => {
    serve = async () => Promise.reject(fault);
    expect(await ask()).toMatchObject({ status, body: { code, message } });
  });

  it("ends a request that does not come to its end", async () => {
    const socket = connect(Number(new URL(endpoint.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(`GET /credentials HTTP/1.1\r\nHost: ${new URL(endpoint.url).host}\r\n`);
    const silent = connect(Number(new URL(endpoint.url).port), "127.0.0.1");
    silent.resume();
    socket.resume();
    await Promise.all([once(socket, "close"), once(silent, "close")]);
    expect(asked).toBe(0);
  });

  it("refuses a header of more than 8 KiB", async () => {
    expect((await ask({ headers: { "x-long": "x".repeat(9000) } })).status).toBe(431);
  });

  it("is gone at once when it is closed, also for who still waits", async () => {
    serve = async () => Promise.withResolvers<object>().promise;
    const waiting = ask().catch((error: unknown) => error);
    await expect.poll(() => asked).toBe(1);
    await endpoint.close();
    expect(await waiting).toBeInstanceOf(Error);
    expect(await ask().catch((error: unknown) => error)).toMatchObject({ code: "ECONNREFUSED" });
    endpoint = await openLoopbackEndpoint(serve);
  });
});
