import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AgentKeysError } from "@agentkeys/core";
import type { Reply, Witness } from "./witness.ts";

/** A witness on the network. */
export interface Listening {
  readonly url: string;
  /** Takes no more requests and waits a little for those being answered. */
  close(): Promise<void>;
}

/** Where to listen, and which further Host headers are served. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly hosts: readonly string[];
}

const mostBytes = 65_536;
const requestMilliseconds = 10_000;
const closeMilliseconds = 5000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Serves a witness over HTTP. Throws ERR_CONFIG_LISTEN when the address is not to be had. */
export async function listen(witness: Witness, { host, port, hosts }: ListenOptions): Promise<Listening> {
  const allowed = new Set(hosts.map((name) => name.toLowerCase()));
  const server = createServer({
    requestTimeout: requestMilliseconds,
    headersTimeout: requestMilliseconds,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 8192,
  });
  server.on("request", (request, response) => {
    void answer(witness, allowed, request)
      .catch((error: unknown): Reply => {
        process.stderr.write(`${error instanceof Error ? error.message : "a request failed"}\n`);
        return { status: 500, body: "the witness failed; nothing was cosigned\n" };
      })
      .then((reply) => send(request, response, reply));
  });
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const reason = (error as Error).message;
    throw new AgentKeysError("ERR_CONFIG_LISTEN", reason, { address: `${host}:${port}`, reason });
  }
  const { port: bound } = server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  for (const own of [name, "localhost"]) allowed.add(`${own}:${bound}`.toLowerCase());
  return {
    url: `http://${name}:${bound}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), closeMilliseconds);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function answer(witness: Witness, hosts: ReadonlySet<string>, request: IncomingMessage): Promise<Reply> {
  // A name of another's in the Host header is how a web page reaches a loopback listener (DNS rebinding).
  if (!hosts.has(request.headers.host?.toLowerCase() ?? ""))
    return { status: 421, body: "this witness has another name\n" };
  const { method, url } = request;
  const [, logId] = /^\/([0-9a-f]{64})\/checkpoint$/u.exec(url ?? "") ?? [];
  const taken = url === "/add-checkpoint" ? "POST" : logId === undefined ? undefined : "GET";
  if (taken === undefined) return { status: 404, body: "there is nothing here\n" };
  if (method !== taken) return { status: 405, body: `this address takes ${taken}\n` };
  if (logId !== undefined) return witness.newestHead(logId);
  const body = await readBody(request);
  return typeof body === "string" ? witness.addCheckpoint(body) : body;
}

async function readBody(request: IncomingMessage): Promise<string | Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Without destroying the stream, or the answer to a request that is too large would be a reset.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) return { status: 413, body: `a request has at most ${mostBytes} bytes\n` };
      chunks.push(chunk);
    }
    return utf8.decode(Buffer.concat(chunks));
  } catch {
    return { status: 400, body: "the request is cut off or not UTF-8\n" };
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, type }: Reply): void {
  const headers = { "content-type": type ?? "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
  // What was not read to its end cannot be followed by another request.
  response.writeHead(status, request.complete ? headers : { ...headers, connection: "close" });
  response.end(body);
}
