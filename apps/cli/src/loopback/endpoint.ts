import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeError, isAgentKeysError, type ErrorCode } from "@agentkeys/core";
import { failureOf } from "../exit-code.ts";

/** An HTTP listener of this machine, for those who know its token. */
export interface LoopbackEndpoint {
  readonly url: string;
  /** What the Authorization header has to be: 256 random bits. */
  readonly token: string;
  /** Ends the listener and every connection to it. */
  close(): Promise<void>;
}

interface Refusal {
  readonly status: number;
  readonly body: { readonly code: string; readonly message: string };
}

const path = "/credentials";

// Whoever asks is on this machine and sends a few short lines at once.
const receiveWithin = 2000;
const limits = {
  maxHeaderSize: 8192,
  headersTimeout: receiveWithin,
  requestTimeout: receiveWithin,
  connectionsCheckingInterval: receiveWithin / 4,
};
const mostConnections = 256;

/**
 * Opens an endpoint on 127.0.0.1 and a free port that answers `GET` of its one URL with the JSON that `serve` gives, and its failure
 * as `{code, message}`. Refused are another Host (a page that rebinds a name to this address), another token, path or method.
 */
export async function openLoopbackEndpoint(serve: () => Promise<object>): Promise<LoopbackEndpoint> {
  const token = randomBytes(32).toString("base64url");
  const server = createServer(limits, (request, response) => {
    void answer(request, response);
  });
  server.maxConnections = mostConnections;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, host, token);
    if (refusal === undefined)
      await serve().then(
        (body) => send(response, 200, body),
        (error: unknown) => send(response, statusOf(error), failed(error)),
      );
    else send(response, refusal.status, refusal.body);
  }

  return {
    url: `http://${host}${path}`,
    token,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function refusalOf({ headers, method, url }: IncomingMessage, host: string, token: string): Refusal | undefined {
  const refuse = (status: number, code: ErrorCode, message: string): Refusal => ({ status, body: { code, message } });
  if (headers.host !== host) return refuse(421, "ERR_REQUEST_HOST", `this is ${host}`);
  if (!isSame(headers.authorization ?? "", token)) {
    return refuse(401, "ERR_SESSION_TOKEN", "the Authorization header is not this endpoint's token");
  }
  if (url !== path) return refuse(404, "ERR_REQUEST_NOT_FOUND", `there is only ${path}`);
  if (method !== "GET") return refuse(405, "ERR_REQUEST_METHOD", "there is only GET");
  return undefined;
}

/** Compares in a time that tells nothing of where the two differ, or of their lengths. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hash("sha256", one, "buffer"), hash("sha256", other, "buffer"));
}

function statusOf(error: unknown): number {
  return (isAgentKeysError(error) ? describeError(error.code)?.status : undefined) ?? 500;
}

function failed(error: unknown): { code: string; message: string } {
  const { code = "ERR_INTERNAL", message } = failureOf(error);
  return { code, message };
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    connection: "close",
    ...(status === 405 ? { allow: "GET" } : {}),
  });
  response.end(text);
}
