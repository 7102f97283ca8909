import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { logId, toHex } from "@agentkeys/log";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import { createTestLog, type TestLog } from "./test-log.ts";

/** What arrived, its proof already found good. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Thumbprint of the proof's key; undefined where none was sent. */
  readonly thumbprint: string | undefined;
  readonly jti: string | undefined;
}

/** What is answered. A body that is no text is sent as JSON. */
export interface Answered {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (received: Received) => Answered | Promise<Answered>;

/** A real HTTP server on loopback that checks proofs as RFC 9449 has it and answers by a table of routes. */
export interface TestBroker {
  readonly url: string;
  readonly log: TestLog;
  /** By `METHOD /path`. */
  readonly routes: Map<string, Route>;
  readonly received: readonly Received[];
  /** The nonce a proof must have now; undefined asks for none. */
  nonce: string | undefined;
  /** Ends the connection after this many further requests were carried out, in place of an answer. */
  lose(count: number): void;
  count(path: string): number;
  /** The JSON bodies that came to a path. */
  sent(path: string): ReturnType<typeof JSON.parse>[];
  close(): Promise<void>;
}

export async function startTestBroker(): Promise<TestBroker> {
  const received: Received[] = [];
  const seen = new Set<string>();
  const routes = new Map<string, Route>();
  const log = createTestLog();
  let toLose = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const text = await readText(request);
      const answer = await answerTo(request, text);
      if (toLose > 0 && answer.status < 300) {
        toLose--;
        response.destroy();
        return;
      }
      const isText = typeof answer.body === "string";
      const type = answer.status >= 400 && !isText ? "application/problem+json" : "application/json";
      response.writeHead(answer.status, {
        "content-type": type,
        ...(broker.nonce === undefined ? {} : { "dpop-nonce": broker.nonce }),
        ...answer.headers,
      });
      response.end(isText ? answer.body : answer.body === undefined ? "" : JSON.stringify(answer.body));
    })();
  });
  const url = await listen(server);

  async function answerTo(request: IncomingMessage, text: string): Promise<Answered> {
    const { method = "", url: target = "", headers } = request;
    const [path = ""] = target.split("?");
    const proof = headers["dpop"];
    let thumbprint: string | undefined;
    let jti: string | undefined;
    if (typeof proof === "string") {
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: "dpop+jwt" });
      const token = headers.authorization?.replace(/^DPoP /u, "");
      const ath = token === undefined ? undefined : createHash("sha256").update(token).digest("base64url");
      jti = payload.jti!;
      const isGood = payload["htm"] === method && payload["htu"] === `${url}${path}` && payload["ath"] === ath;
      if (!isGood || seen.has(jti)) return problem(401, "ERR_SESSION_DPOP");
      seen.add(jti);
      if (broker.nonce !== undefined && payload["nonce"] !== broker.nonce) return problem(401, "ERR_SESSION_NONCE");
      thumbprint = await calculateJwkThumbprint(protectedHeader.jwk!);
    }
    const one: Received = { method, path: target, headers, text, thumbprint, jti };
    received.push(one);
    return (await routes.get(`${method} ${path}`)?.(one)) ?? problem(404, "ERR_REQUEST_NOT_FOUND");
  }

  const broker: TestBroker = {
    url,
    log,
    routes,
    received,
    nonce: "nonce-1",
    lose(count) {
      toLose = count;
    },
    count: (path) => received.filter((one) => one.path === path).length,
    sent: (path) => received.filter((one) => one.path === path).map(({ text }) => JSON.parse(text)),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  routes.set("GET /.well-known/agentkeys", () => ({ status: 200, body: descriptionOf(broker) }));
  return broker;
}

export function descriptionOf({ url, log }: Pick<TestBroker, "url" | "log">): Record<string, unknown> {
  return {
    api_version: 1,
    public_url: url,
    methods: [{ name: "walletsig", flow: "in_band", identity_types: ["evm"] }],
    issuers: ["oidc"],
    log: { origin: log.origin, log_id: toHex(logId(log.origin)), vkey: log.vkey },
    anchors: ["witness"],
    plugins: [],
    clients: ["agentkeys"],
    claimed: true,
  };
}

export function problem(status: number, code: string, more: Record<string, unknown> = {}): Answered {
  return { status, body: { type: "about:blank", title: code, status, code, request_id: "req_1", ...more } };
}

/** A token answer with tokens that are new each time. */
export function tokens(whose: { agent: string } | { account: string }, expiresIn = 600): Answered {
  const fresh = (): string => randomBytes(16).toString("base64url");
  const body = { access_token: fresh(), token_type: "DPoP", expires_in: expiresIn, refresh_token: fresh(), ...whose };
  return { status: 200, body };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) text += String(part);
  return text;
}
