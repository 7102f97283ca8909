import { setTimeout as wait } from "node:timers/promises";
import { logId, toHex } from "@agentkeys/log";
import type { LogReader } from "../log-reader.ts";

/** How a log is read by HTTP. */
export interface HttpLogOptions {
  /** An auditor's token, sent for entry bundles alone. */
  readonly token?: string;
  /** How long one request may take, in milliseconds. */
  readonly timeout: number;
}

const mostWaits = 10;
const longestWait = 60_000;

/**
 * Reads a log's resources below its URL. Each request has a deadline and a size; a redirect is an error; 429 and 503 with Retry-After
 * are waited for. Throws an Error for a URL that is none, and for a token that would go over the network in plain text.
 */
export function openHttpLog(address: string, { token, timeout }: HttpLogOptions): LogReader {
  const { url, base } = parseLogUrl(address);
  if (token !== undefined && url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Error("a token is sent by https only, or to this machine");
  }
  return {
    async read(path, most) {
      const headers =
        token !== undefined && path.startsWith("tile/entries/") ? { authorization: `Bearer ${token}` } : {};
      for (let waits = 0; ; waits++) {
        const answer = await ask(`${base}/${path}`, headers, most, timeout);
        if (answer.retryAfter === undefined) return answer.bytes;
        if (waits === mostWaits) throw new Error("it was asked to wait too often");
        await wait(answer.retryAfter);
      }
    },
  };
}

/** The URL of another epoch's log on the same broker, whose URLs end in the log's id; undefined where this one does not. */
export function siblingUrl(address: string, origin: string): string | undefined {
  const { base } = parseLogUrl(address);
  return /\/[0-9a-f]{64}$/u.test(base) ? base.replace(/[0-9a-f]{64}$/u, toHex(logId(origin))) : undefined;
}

/** The log's URL, and its text without a slash at the end. */
function parseLogUrl(address: string): { readonly url: URL; readonly base: string } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isPlain =
    url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!isPlain || !["http:", "https:"].includes(url.protocol))
    throw new Error("a log's URL is http or https, and no more than a path");
  return { url, base: url.href.replace(/\/+$/u, "") };
}

interface Answer {
  readonly bytes?: Uint8Array;
  /** Milliseconds to wait before asking again. */
  readonly retryAfter?: number;
}

async function ask(url: string, headers: Record<string, string>, most: number, timeout: number): Promise<Answer> {
  const signal = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, { redirect: "manual", headers, signal });
    if (response.status === 200) return { bytes: await readBody(response, most) };
    await response.body?.cancel();
    if (response.status === 404) return {};
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    if ((response.status === 429 || response.status === 503) && seconds >= 0) {
      return { retryAfter: Math.min(Math.max(seconds * 1000, 100), longestWait) };
    }
    throw new Error(describeStatus(response.status));
  } catch (error) {
    if (signal.aborted) throw new Error(`no whole answer within ${timeout / 1000} s`, { cause: error });
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  }
}

async function readBody(response: Response, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Breaking off cancels the body, so that nothing more of it is read.
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > most) throw new Error(`the answer is over ${most} bytes`);
    parts.push(part);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

function describeStatus(status: number): string {
  if (status >= 300 && status < 400) return `the answer is a redirect (${status}), which is not followed`;
  return status === 401 || status === 403 ? `the token is not accepted (${status})` : `the answer has status ${status}`;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/u.test(hostname);
}
