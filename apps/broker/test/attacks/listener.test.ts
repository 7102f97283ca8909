// The listener against those who are slow, large or many: real sockets, short times.
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mostBodyBytes } from "../../src/http/body.ts";
import { mostHeaderFields, mostUrlCharacters } from "../../src/http/door.ts";
import { openListener, type Listener } from "../../src/http/listener.ts";
import { freePort, openBroker } from "../flows/harness.ts";

let listener: Listener;
let port: number;
let bodies: number;
const refused: string[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  port = await freePort();
  bodies = 0;
  refused.length = 0;
  listener = await openListener(
    async (request) => {
      if (request.method === "POST") bodies += (await request.arrayBuffer()).byteLength;
      return new Response("served");
    },
    {
      host: "127.0.0.1",
      port,
      connections: 16,
      headerTime: 300,
      requestTime: 600,
      idleTime: 1000,
      onRefused: (reason) => refused.push(reason),
    },
  );
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener.close(100);
});

interface Connection {
  write(text: string): void;
  /** Resolves when so many answers have come. */
  has(answers: number): Promise<void>;
  /** All that came, when the far side has closed. */
  readonly answer: Promise<string>;
}

function open(first = "", at = port): Connection {
  const socket = connect(at, "127.0.0.1");
  if (first !== "") socket.write(first, "latin1");
  sockets.push(socket);
  let text = "";
  socket.on("data", (part: Buffer) => {
    text += part.toString("latin1");
  });
  socket.on("error", () => undefined);
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on("close", () => resolve(text));
  const has = async (answers: number): Promise<void> =>
    expect.poll(() => text.match(/served/gu)?.length ?? 0, { interval: 1 }).toBe(answers);
  return { write: (more) => void socket.write(more, "latin1"), has, answer: promise };
}

const request = (more = "", target = "/"): string =>
  `GET ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\n${more}connection: close\r\n\r\n`;

/** Writes a character every so often, for as long as anybody listens. */
function drip(connection: Connection, characters = "x-slow: "): () => void {
  let at = 0;
  const timer = setInterval(() => connection.write(characters[at++ % characters.length] ?? "x"), 20);
  return () => clearInterval(timer);
}

test("a header that never ends is refused with a code in its time, and delays nobody", async () => {
  const slow = Array.from({ length: 3 }, () => open("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n"));
  const stops = slow.map((one) => drip(one));
  expect(await open(request()).answer).toMatch(/^HTTP\/1\.1 200 .*served$/su);
  for (const one of slow) expect(await one.answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"ERR_REQUEST_TIMEOUT"/u);
  for (const stop of stops) stop();
});

test("a connection that says nothing is closed in its time", async () => {
  expect(await open().answer).toMatch(/^HTTP\/1\.1 408 /u);
});

test("a body that never ends is refused in its time", async () => {
  const slow = open("POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n");
  const stop = drip(slow);
  expect(await slow.answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"ERR_REQUEST_TIMEOUT"/u);
  stop();
});

test("a connection with nothing more to ask is closed after its idle time", async () => {
  const idle = open("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  expect(await idle.answer).toMatch(/^HTTP\/1\.1 200 /u);
});

test("what is no HTTP, and a header that is too large, is refused with a code", async () => {
  expect(await open("\u0016\u0003\u0001 hello\r\n\r\n").answer).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*"code":"ERR_REQUEST_MALFORMED"/u,
  );
  expect(await open(request(`x: ${"a".repeat(17_000)}\r\n`)).answer).toMatch(
    /^HTTP\/1\.1 431 [\s\S]*"code":"ERR_REQUEST_HEADERS"/u,
  );
  expect(await open("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").answer).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*"code":"ERR_REQUEST_MALFORMED"/u,
  );
  expect(refused).toEqual(["parser", "parser"]);
});

test("one source has a quarter of the connections, and room again when it lets one go", async () => {
  const held = Array.from({ length: 4 }, () => open("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"));
  expect(await open(request()).answer).toBe("");
  expect(refused).toEqual(["source"]);
  sockets[0]?.destroy();
  await held[0]?.answer;
  await expect.poll(() => open(request()).answer).toMatch(/served$/u);
});

test("a connection that sends many requests at once is closed, and a few are answered in order", async () => {
  const keep = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
  const few = open(keep("/1") + keep("/2") + keep("/3") + request("", "/4"));
  expect((await few.answer).match(/served/gu)).toHaveLength(4);
  let seen = 0;
  listener.server.on("request", () => (seen += 1));
  const many = open(keep("/").repeat(1000));
  expect(((await many.answer).match(/served/gu) ?? []).length).toBeLessThanOrEqual(4);
  // Not even parsed.
  expect(seen).toBe(5);
  expect(refused).toEqual(["pipelining"]);
  // One after the other, as many as it likes.
  const patient = open();
  for (let at = 0; at < 50; at += 1) {
    patient.write(keep("/"));
    await patient.has(at + 1);
  }
});

test("a body that is asked about first is not asked for when it is too large", async () => {
  const ask = (size: number): string =>
    `POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: ${size}\r\nconnection: close\r\n\r\n`;
  const small = open(ask(2));
  small.write("ok");
  expect(await small.answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /u);
  expect(await open(ask(mostBodyBytes + 1)).answer).not.toContain("100 Continue");
  expect(bodies).toBe(2);
});

test("the broker refuses by the header alone: a body's length, too many fields, a long address", async () => {
  const broker = await openBroker();
  try {
    const at = Number(new URL(broker.url).port);
    const send = (text: string) => open(text.replaceAll("127.0.0.1\r", `127.0.0.1:${at}\r`), at).answer;
    // No byte of the body is ever sent.
    expect(
      await send(
        `POST /v1/credentials HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${mostBodyBytes + 1}\r\nconnection: close\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"ERR_REQUEST_BODY_TOO_LARGE"/u);
    expect(await send(request("x: y\r\n".repeat(mostHeaderFields)))).toMatch(
      /^HTTP\/1\.1 431 [\s\S]*"code":"ERR_REQUEST_HEADERS"/u,
    );
    expect(await send(request("", `/v1/account?${"a".repeat(mostUrlCharacters)}`))).toMatch(
      /^HTTP\/1\.1 414 [\s\S]*"code":"ERR_REQUEST_URL_TOO_LONG"/u,
    );
    // Not only declared: what comes in chunks is counted as it comes.
    const chunk = `${(1024).toString(16)}\r\n${"a".repeat(1024)}\r\n`;
    expect(
      await send(
        `POST /v1/auth/walletsig/start HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunk.repeat(65)}0\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"ERR_REQUEST_BODY_TOO_LARGE"/u);
  } finally {
    await broker.close();
  }
});

test("one source keeps back the bodies of a quarter of the requests at most, and all others are served", async () => {
  const broker = await openBroker("[limits]\nrequests = 8\n");
  try {
    const { host, port: at } = new URL(broker.url);
    const send = (body: string): Connection =>
      open(
        `POST /v1/credentials HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n${body}`,
        Number(at),
      );
    const slow = [send("{"), send("{")];
    await expect.poll(async () => send("{}").answer).toContain("ERR_REQUEST_OVERLOADED");
    for (let more = 0; more < 8; more += 1) send("{");
    expect((await fetch(`${broker.url}/.well-known/jwks.json`)).status).toBe(200);
    for (const one of slow) {
      one.write("}");
      expect(await one.answer).toContain("ERR_REQUEST_MALFORMED");
    }
    expect(await send("{}").answer).toContain("ERR_REQUEST_MALFORMED");
  } finally {
    await broker.close();
  }
});
