import { isUtf8 } from "node:buffer";
import { AgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import { BoundedMap } from "../session/bounded-map.ts";
import { parseJsonObject } from "../json/parse-json.ts";

/** The largest request body, in bytes. */
export const mostBodyBytes: number = 64 * 1024;

const mostIssues = 32;
/** Of a longer body the first issue alone is looked for: to find one in each of thousands of items takes fifty milliseconds. */
const longestListed = 2048;

/**
 * Reads a body that is a JSON object and parses it with a schema; use strict ones, so that an unknown member is refused. Throws
 * ERR_REQUEST_MEDIA_TYPE, ERR_REQUEST_BODY_TOO_LARGE, or ERR_REQUEST_MALFORMED with every issue (of a body over 2,048 characters, the
 * first) as `path: what was expected`. No issue quotes a value: it may be a secret.
 *
 * @example const { user_code } = await readJson(context.req.raw, v.strictObject({ user_code: v.string() }));
 */
export async function readJson<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const text = await readText(request, "application/json");
  return parseBody(
    schema,
    readOrRefuse(() => parseJsonObject(text)),
    text.length,
  );
}

const mostRemembered = 1000;
/** What strangers send must not fill the memory. */
const longestRemembered = 2048;

/**
 * {@link readJson} for what is sent over and over: of the last 1,000 texts it remembers what they say. It answers frozen objects, the same
 * one for the same text, so that what follows from them alone can be remembered too.
 *
 * @example const readAsk = rememberJson(v.strictObject({ issuer: v.string() }));
 */
export function rememberJson<Schema extends v.GenericSchema<unknown, object>>(
  schema: Schema,
): (request: Request) => Promise<v.InferOutput<Schema>> {
  const remembered = new BoundedMap<string, v.InferOutput<Schema>>(mostRemembered);
  return async (request) => {
    const text = await readText(request, "application/json");
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const value = Object.freeze(
      parseBody(
        schema,
        readOrRefuse(() => parseJsonObject(text)),
        text.length,
      ),
    );
    if (text.length <= longestRemembered) remembered.set(text, value);
    return value;
  };
}

/**
 * Reads an `application/x-www-form-urlencoded` body as OAuth does (RFC 6749 section 3.2): a parameter without a value counts as left
 * out, one that stands there twice is refused. Throws as {@link readJson} does.
 */
export async function readForm<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const text = await readText(request, "application/x-www-form-urlencoded");
  return parseBody(
    schema,
    readOrRefuse(() => parseForm(text)),
    text.length,
  );
}

async function readText(request: Request, expected: string): Promise<string> {
  const [type = "", ...parameters] = (request.headers.get("content-type") ?? "").split(";").map((part) => part.trim());
  const isPlain = parameters.every((parameter) => /^charset="?utf-8"?$/iu.test(parameter));
  if (type.toLowerCase() !== expected || !isPlain || request.headers.has("content-encoding")) {
    throw new AgentKeysError("ERR_REQUEST_MEDIA_TYPE", `send ${expected} in UTF-8`, { expected });
  }
  const bytes = await readBytes(request);
  if (!isUtf8(bytes)) throw refuse(["the body is not UTF-8"]);
  return bytes.toString("utf8");
}

/** Refuses a body by the length its header tells, before any of it is read. Throws ERR_REQUEST_BODY_TOO_LARGE. */
export function assertDeclaredSize(contentLength: string | undefined): void {
  if (contentLength !== undefined && !(Number(contentLength) <= mostBodyBytes)) throw tooLarge();
}

/** The body's bytes, of which never more than the limit are held, whatever the request says of their number. */
async function readBytes(request: Request): Promise<Buffer> {
  const declared = request.headers.get("content-length");
  assertDeclaredSize(declared ?? undefined);
  // With a declared length the HTTP parser hands over no byte more, and the whole body can be had without a stream.
  if (declared !== null && !request.headers.has("transfer-encoding")) {
    const bytes = Buffer.from(await request.arrayBuffer());
    if (bytes.length > mostBodyBytes) throw tooLarge();
    return bytes;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the stream.
    if (size > mostBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseForm(text: string): Record<string, string> {
  const fields = new Map<string, string>();
  const seen = new Set<string>();
  for (const part of text.split("&")) {
    if (part === "") continue;
    const [name = "", value = ""] = splitOnce(part, "=").map(decodePart);
    if (seen.has(name)) throw new SyntaxError("a parameter stands there twice");
    seen.add(name);
    if (value !== "") fields.set(name, value);
  }
  if (seen.has("__proto__")) throw new SyntaxError("it has a parameter __proto__");
  return Object.fromEntries(fields);
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    throw new SyntaxError("a percent-escape is malformed");
  }
}

function parseBody<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  length: number,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value, { message: describeIssue, abortEarly: length > longestListed });
  if (parsed.success) return parsed.output;
  throw refuse(
    parsed.issues
      .slice(0, mostIssues)
      .map((issue) => `${(v.getDotPath(issue) ?? "(root)").slice(0, 100)}: ${issue.message}`),
  );
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === "never") return "there is no such member";
  if (issue.received === "undefined") return "is missing";
  return issue.expected === null ? "is not valid" : `expected ${issue.expected}`;
}

function readOrRefuse<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof SyntaxError) throw refuse([`(root): ${fault.message}`]);
    throw fault;
  }
}

function refuse(issues: readonly string[]): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}

function tooLarge(): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_BODY_TOO_LARGE", `a body has at most ${mostBodyBytes} bytes`, {
    limit: mostBodyBytes,
  });
}
