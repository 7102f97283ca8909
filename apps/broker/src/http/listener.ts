import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { AgentKeysError, describeError, type ErrorCode } from "@agentkeys/core";
import { mostBodyBytes } from "./body.ts";
import { sourceKey } from "./limiter.ts";

/** What a listener allows. Times are milliseconds. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Connections at once; one source has at most a quarter of them. */
  readonly connections: number;
  /** True for the address of a trusted proxy, to which a source's share does not apply. */
  readonly isProxy?: (address: string) => boolean;
  /** For the whole header, from the connection or the end of the last request on; default 10 s. */
  readonly headerTime?: number;
  /** For the whole request; default 20 s. */
  readonly requestTime?: number;
  /** Between two requests of a connection; default 65 s, longer than proxies keep theirs. */
  readonly idleTime?: number;
  readonly onRefused?: (reason: "connections" | "source" | "parser" | "pipelining") => void;
}

/** A listening server. */
export interface Listener {
  readonly server: Server;
  /** Stops listening and closes idle connections; resolves when all are closed, by force after `milliseconds`. */
  close(milliseconds: number): Promise<void>;
}

/** Requests of one connection that may wait for their answers. No client in use sends a second one before it has the first one's answer. */
const mostWaiting = 4;

/** Bytes of request line and header. */
export const mostHeaderBytes = 16 * 1024;

/** Listens. Throws ERR_CONFIG_LISTEN. */
export async function openListener(
  fetch: Parameters<typeof getRequestListener>[0],
  options: ListenerOptions,
): Promise<Listener> {
  const { host, port, headerTime = 10_000, requestTime = 20_000, idleTime = 65_000, onRefused } = options;
  const server = createServer({
    maxHeaderSize: mostHeaderBytes,
    headersTimeout: headerTime,
    requestTimeout: requestTime,
    keepAliveTimeout: idleTime,
    connectionsCheckingInterval: Math.min(1000, headerTime),
    insecureHTTPParser: false,
    requireHostHeader: false,
  });
  // Node drops what goes beyond this number without a word; the door counts and refuses instead.
  server.maxHeadersCount = 0;
  server.maxConnections = options.connections;
  // A peer that neither sends nor reads holds its connection no longer than this.
  server.timeout = 2 * idleTime;
  const answer = getRequestListener(fetch, { overrideGlobalObjects: true, errorHandler: answerUnreadable });
  const current = new WeakMap<Duplex, ServerResponse>();
  const waiting = new WeakMap<Duplex, number>();
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { socket } = incoming;
    const before = waiting.get(socket) ?? 0;
    if (before >= mostWaiting) {
      onRefused?.("pipelining");
      stopParsing(socket);
      socket.destroy();
      return;
    }
    waiting.set(socket, before + 1);
    outgoing.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    current.set(socket, outgoing);
    void answer(incoming, outgoing);
  };
  server.on("request", take);
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // Who asks before sending a body that is too large is refused without one.
    if (Number(incoming.headers["content-length"] ?? 0) <= mostBodyBytes) outgoing.writeContinue();
    take(incoming, outgoing);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    onRefused?.("parser");
    refuseUnparsed(error, socket, current.get(socket));
  });
  server.on("drop", () => onRefused?.("connections"));
  shareAmongSources(server, options);
  await listening(server, host, port);
  return { server, close: (milliseconds) => closeServer(server, milliseconds) };
}

/**
 * A thousand small requests come in one read, and nobody else is served before Node's parser is through with them, of a connection that
 * is destroyed too. Node has no way to end that: answered 2, as for an upgrade, it leaves the rest alone.
 */
function stopParsing(socket: Socket & { readonly parser?: { onIncoming?: () => number } }): void {
  if (socket.parser !== undefined) socket.parser.onIncoming = () => 2;
}

/** Keeps one source from taking every connection. */
function shareAmongSources(server: Server, { connections, isProxy, onRefused }: ListenerOptions): void {
  const share = Math.max(1, Math.floor(connections / 4));
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    if (isProxy?.(address) === true) return;
    const key = sourceKey(address);
    const count = (open.get(key) ?? 0) + 1;
    if (count > share) {
      onRefused?.("source");
      socket.destroy();
      return;
    }
    open.set(key, count);
    socket.once("close", () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left > 0) open.set(key, left);
      else open.delete(key);
    });
  });
}

/** A request that reached no route is refused with a code all the same. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex, last: ServerResponse | undefined): void {
  const isMidAnswer = last !== undefined && last.headersSent && !last.writableFinished;
  if (error.code === "ECONNRESET" || !socket.writable || isMidAnswer) {
    socket.destroy();
    return;
  }
  const [code, status] = codeOfFault(error.code);
  const body = problemText(code, status);
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\ncache-control: no-store\r\n\r\n${body}`,
  );
}

function codeOfFault(fault: string | undefined): readonly [ErrorCode, number] {
  if (fault === "HPE_HEADER_OVERFLOW") return ["ERR_REQUEST_HEADERS", 431];
  if (fault === "ERR_HTTP_REQUEST_TIMEOUT") return ["ERR_REQUEST_TIMEOUT", 408];
  return ["ERR_REQUEST_MALFORMED", 400];
}

/** For what Node parsed and hono's adapter cannot read: no Host, a target that is no URL. */
function answerUnreadable(): Response {
  return new Response(problemText("ERR_REQUEST_MALFORMED", 400), {
    status: 400,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

function problemText(code: ErrorCode, status: number): string {
  const row = describeError(code);
  return JSON.stringify({
    type: `urn:agentkeys:error:${code}`,
    title: row?.meaning,
    status,
    detail: row?.meaning,
    code,
    retry: row?.retry,
    next_step: row?.next,
  });
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const address = `${host}:${port}`;
      reject(
        new AgentKeysError(
          "ERR_CONFIG_LISTEN",
          `${address}: ${cause.message}`,
          { address, reason: cause.message },
          { cause },
        ),
      );
    });
    server.listen(port, host, () => resolve());
  });
}

function closeServer(server: Server, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), milliseconds);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
