import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import sesLocal from "aws-ses-v2-local";

/** An SES that answers as the API reference documents, route by route; what has no route hangs. */
export interface ScriptedSes {
  readonly endpoint: string;
  /** The requests there were: method, path and parsed body. */
  readonly requests: { readonly route: string; readonly body: unknown; readonly authorization: string }[];
  close(): Promise<void>;
}

/** What a route answers: a status and the JSON; an error of SES has its name in a header. */
export interface SesAnswer {
  readonly status: number;
  readonly error?: string;
  readonly body?: object;
}

/** Starts a scripted SES on a free loopback port. A key is e.g. `GET /v2/email/account`. */
export async function startScriptedSes(routes: Readonly<Record<string, SesAnswer>>): Promise<ScriptedSes> {
  const requests: ScriptedSes["requests"] = [];
  const server = createServer((request, response) => {
    void answerBy(routes, requests, request, response);
  });
  await listen(server);
  return { endpoint: endpointOf(server), requests, close: () => close(server) };
}

async function answerBy(
  routes: Readonly<Record<string, SesAnswer>>,
  requests: ScriptedSes["requests"],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = `${request.method} ${decodeURIComponent(request.url ?? "")}`;
  const text = await readBody(request);
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  requests.push({ route, body, authorization: request.headers.authorization ?? "" });
  const answer = routes[route];
  if (answer === undefined) return;
  const errorType = answer.error === undefined ? {} : { "x-amzn-errortype": answer.error };
  response.writeHead(answer.status, { "content-type": "application/json", ...errorType });
  response.end(JSON.stringify(answer.body ?? { message: "as documented" }));
}

/** A mail as aws-ses-v2-local keeps it. */
export interface StoredMail {
  readonly from: string;
  readonly destination: { readonly to: readonly string[] };
  readonly subject: string;
  readonly body: { readonly text?: string; readonly html?: string };
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

/** aws-ses-v2-local on a free loopback port, with its mailbox. */
export async function startSesLocal(): Promise<{
  endpoint: string;
  mails(): Promise<readonly StoredMail[]>;
  close(): Promise<void>;
}> {
  const server = await startOf(sesLocal)({ host: "127.0.0.1", port: 0 });
  const endpoint = endpointOf(server);
  return {
    endpoint,
    async mails() {
      const { emails } = (await (await fetch(`${endpoint}/store`)).json()) as { emails: StoredMail[] };
      return emails;
    },
    close: () => close(server),
  };
}

type Start = (config: { host: string; port: number }) => Promise<Server>;

// A CommonJS package with a default export: Node gives the whole module, a bundler the export itself.
function startOf(imported: unknown): Start {
  return typeof imported === "function" ? (imported as Start) : (imported as { default: Start }).default;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
}

function endpointOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
