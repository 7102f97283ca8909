import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { noteHash, parseCheckpoint, parseNote, toBase64, toHex } from "@agentkeys/log";
import type { AnchorFarSide } from "@agentkeys/testkit";
import { statementText } from "../src/statement.ts";

const program = fileURLToPath(new URL("../dist/notary/bin.js", import.meta.url));

/** A real notary as a process of its own, behind a proxy by which it fails and lies. */
export interface RunningNotary {
  readonly url: string;
  readonly publicKey: string;
  readonly farSide: AnchorFarSide;
  close(): Promise<void>;
}

export async function startNotary(vkey: string): Promise<RunningNotary> {
  const folder = mkdtempSync(join(tmpdir(), "agentkeys-notary-"));
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(folder, "key.pem"), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  writeFileSync(join(folder, "logs.txt"), `${vkey}\n`);
  const args = [program, ...["key.pem", "statements.jsonl", "logs.txt"].map((name) => join(folder, name)), "0"];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const [, target = "", publicKey = ""] = line.split(" ");

  let handle = forward;
  const server = createServer((request, response) => handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const options = { method: request.method ?? "GET", headers: request.headers, agent: false };
    const onward = requestHttp(target + (request.url ?? ""), options);
    onward.on("response", (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers)));
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey,
    farSide: {
      up: () => void (handle = forward),
      down: () => void (handle = (request) => void request.destroy()),
      hang: () => void (handle = () => undefined),
      lie: () => void (handle = (request, response) => void answerFalsely(request, response)),
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      child.kill();
      await once(child, "exit");
      rmSync(folder, { recursive: true });
    },
  };
}

/** Right in form: a statement about the very head, but by another key. */
async function answerFalsely(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.method !== "POST") return void response.writeHead(404).end("{}");
  const checkpoint = parseNote((JSON.parse(body) as { note: string }).note).text;
  const { origin, size, root } = parseCheckpoint(checkpoint);
  const facts = { origin, size, root: toBase64(root), note_hash: toHex(noteHash(checkpoint)), time: 1_764_000_000 };
  const signature = sign(null, statementText(facts), generateKeyPairSync("ed25519").privateKey).toString("base64");
  response.writeHead(201).end(JSON.stringify({ ...facts, signature }));
}
