// The notary itself: keeps what it signed in one file that only grows, and signs a head only if it extends the last one.
//   agentkeys-template-notary KEY.pem STATEMENTS.jsonl LOGS.txt PORT     LOGS.txt: one vkey a line, read anew for each head
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import {
  fromBase64,
  isConsistency,
  logId,
  noteHash,
  parseCheckpoint,
  parseNote,
  parseVkey,
  toBase64,
  toHex,
  verifyLine,
} from "@agentkeys/log";
import * as v from "valibot";
import { Statement, statementText } from "../statement.ts";

const Submission = v.strictObject({ note: v.string(), from: v.number(), proof: v.array(v.string()) });

const [keyFile = "", stateFile = "", logsFile = "", port = "0"] = process.argv.slice(2);
const key = createPrivateKey(await readFile(keyFile));
const statements: Statement[] = [];
const file: FileHandle = await open(stateFile, "a+", 0o600);
const kept = await file.readFile("utf8");
const whole = kept.slice(0, kept.lastIndexOf("\n") + 1);
// What a crash left half-written was never answered to anybody.
await file.truncate(Buffer.byteLength(whole));
for (const line of whole.split("\n").slice(0, -1)) statements.push(v.parse(Statement, JSON.parse(line)));

const idOf = ({ origin }: { origin: string }): string => toHex(logId(origin));
const newestOf = (id: string): Statement | undefined => statements.findLast((one) => idOf(one) === id);
let last: Promise<unknown> = Promise.resolve();

const server = createServer((request, response) => {
  // One at a time: two heads may not both extend the same one.
  last = last.then(() => respond(request, response));
});
server.listen(Number(port), "127.0.0.1", () => {
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const address = server.address();
  const at = typeof address === "object" && address !== null ? address.port : port;
  process.stdout.write(`ready http://127.0.0.1:${at} ${toBase64(Uint8Array.from(spki.subarray(-32)))}\n`);
});

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [status, statement] = await answer(request).catch(() => [400, undefined] as const);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(statement ?? {}));
}

async function answer(request: IncomingMessage): Promise<readonly [number, Statement | undefined]> {
  const [, id = "", size] = /^\/heads\/([0-9a-f]{64})(?:\/(\d{1,16}))?$/.exec(request.url ?? "") ?? [];
  if (request.method === "GET") {
    const found =
      size === undefined ? newestOf(id) : statements.find((one) => idOf(one) === id && one.size === Number(size));
    return found === undefined ? [404, undefined] : [200, found];
  }
  return submit(v.parse(Submission, await json(request)));
}

async function submit({
  note,
  from,
  proof,
}: v.InferOutput<typeof Submission>): Promise<readonly [number, Statement | undefined]> {
  const { text, signatures } = parseNote(note);
  const { origin, size, root } = parseCheckpoint(text);
  const vkeys = (await readFile(logsFile, "utf8")).split("\n").filter((line) => line !== "");
  const log = vkeys.map(parseVkey).find(({ name }) => name === origin);
  const signed = log === undefined ? [] : await Promise.all(signatures.map(({ line }) => verifyLine(text, line, log)));
  if (!signed.some((one) => one !== undefined)) return [404, undefined];
  const note_hash = toHex(noteHash(text));
  const same = statements.find((one) => one.origin === origin && one.size === size);
  if (same !== undefined) return [same.note_hash === note_hash ? 200 : 409, same];
  const newest = newestOf(toHex(logId(origin)));
  const extendsNewest =
    newest === undefined ||
    (newest.size === from && isConsistency(from, size, fromBase64(newest.root), root, proof.map(fromBase64)));
  if (!extendsNewest) return [409, newest];
  const time = Math.floor(Date.now() / 1000);
  const unsigned = { origin, size, root: toBase64(root), note_hash, time };
  const signature = toBase64(Uint8Array.from(sign(null, statementText(unsigned), key)));
  const statement = { ...unsigned, signature };
  await file.appendFile(`${JSON.stringify(statement)}\n`);
  await file.sync();
  statements.push(statement);
  return [201, statement];
}
