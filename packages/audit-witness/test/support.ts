import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { TreeHead } from "@agentkeys/core";
import { cosignatureLine, formatVkey, parseNote, parseVkey } from "@agentkeys/log";
import { createTestLog, makeSigner, type AnchorFarSide, type TestLog } from "@agentkeys/testkit";
import { onTestFinished } from "vitest";

const program = fileURLToPath(new URL("../src/witness/bin.ts", import.meta.url));

/** A folder of its own; the caller removes it. */
export function makeFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "agentkeys-witness-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What a program said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export async function run(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=agentkeys-source", program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** A witness that runs as a process of its own. */
export interface RunningWitness {
  readonly url: string;
  readonly vkey: string;
  readonly pid: number;
  /** Ends it by a signal and answers its exit code, null after a kill. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a witness in a folder: its key is made the first time. */
export async function startWitness(folder: string, ...more: readonly string[]): Promise<RunningWitness> {
  const key = join(folder, "key");
  await run("keygen", "--out", key, "--name", "witness.example/w1");
  const args = ["serve", "--key", key, "--state", join(folder, "state"), "--listen", "127.0.0.1:0", ...more];
  const child = spawn(process.execPath, ["--conditions=agentkeys-source", program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stderr = text(child.stderr);
  const ended = once(child, "exit") as Promise<[number | null]>;
  const first = await Promise.race([
    once(createInterface({ input: child.stdout }), "line") as Promise<[string]>,
    ended.then(async ([code]) => Promise.reject(new Error(`the witness ended with ${code}: ${await stderr}`))),
  ]);
  const [word, url = "", vkey = ""] = first[0].split(" ");
  if (word !== "ready") throw new Error(`the witness says ${first[0]}`);
  return {
    url,
    vkey,
    pid: child.pid!,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      return (await ended)[0];
    },
  };
}

/** The body of an add-checkpoint request. */
export function formatSubmission(old: number, proof: readonly string[], note: string): string {
  return `old ${old}\n${proof.map((hash) => `${hash}\n`).join("")}\n${note}`;
}

/** An answer, with its body as text. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

/** Submits a head of a test log with the proof from `old`. */
export async function submit(url: string, log: TestLog, old: number, head: TreeHead = log.head()): Promise<Answer> {
  const proof = old === 0 || old > head.size ? [] : await log.tools.prove(old, head.size);
  return post(url, formatSubmission(old, proof, head.note));
}

/** Posts a body to add-checkpoint. */
export async function post(url: string, body: string | Uint8Array): Promise<Answer> {
  const response = await fetch(`${url}/add-checkpoint`, { method: "POST", body: body as string });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

/** A proxy before a witness, by which the far side fails and lies. */
export interface FaultyProxy {
  readonly url: string;
  readonly farSide: AnchorFarSide;
  /** Answers every request by itself from now on. */
  answer(reply: (request: IncomingMessage, body: string, response: ServerResponse) => void): void;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<FaultyProxy> {
  let handle = forward;
  const server = createServer((request, response) => {
    void text(request).then((body) => handle(request, body, response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function forward(request: IncomingMessage, body: string, response: ServerResponse): void {
    const headers = { ...request.headers, host: new URL(target).host };
    const onward = requestHttp(target + (request.url ?? ""), {
      method: request.method ?? "GET",
      headers,
      agent: false,
    });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    onward.end(body);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer(reply) {
      handle = reply;
    },
    farSide: {
      up() {
        handle = forward;
      },
      down() {
        handle = (request) => void request.socket.destroy();
      },
      hang() {
        handle = () => undefined;
      },
      // Right in form: a cosignature of the very head, by the name of the witness, but by another key.
      lie() {
        handle = (request, body, response) => {
          const note = request.method === "POST" ? body.slice(body.indexOf("\n\n") + 2) : undefined;
          response.end(note === undefined ? "" : lineBy("another witness", "witness.example/w1", note));
        };
      },
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A cosignature of a note by a test key, under any name. */
export function lineBy(signer: string, name: string, note: string, timestamp = 1_764_000_000): string {
  const { publicKey, sign } = makeSigner(signer);
  return cosignatureLine(parseNote(note).text, parseVkey(formatVkey(name, 4, publicKey)), timestamp, sign);
}

/** A witness that serves a log, ended after the test. */
export async function openWitness(log: TestLog, ...more: string[]): Promise<RunningWitness & { folder: string }> {
  const { path, remove } = makeFolder();
  const witness = await startWitness(path, "--log", log.vkey, ...more);
  onTestFinished(async () => {
    await witness.end("SIGKILL");
    remove();
  });
  return { ...witness, folder: path };
}

/** A log of so many entries. */
export function growTo(size: number): TestLog {
  const log = createTestLog();
  log.grow(size);
  return log;
}
