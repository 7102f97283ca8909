import { AgentKeysError } from "@agentkeys/core";

/** One HTTP exchange, all of its answer read. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole exchange, the answer's body included. */
  readonly within: number;
}

/** A whole answer. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const largestAnswer = 1_048_576;

/**
 * Sends a request once. Follows no redirect and reads at most 1 MiB. Throws ERR_REQUEST_UNREACHABLE, ERR_REQUEST_TIMEOUT,
 * ERR_REQUEST_ANSWER, or the signal's reason.
 */
export async function exchange(ask: Exchange): Promise<RawAnswer> {
  const deadline = AbortSignal.timeout(ask.within);
  const signal = ask.signal === undefined ? deadline : AbortSignal.any([deadline, ask.signal]);
  const { method, url, headers, body } = ask;
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal,
      ...(body === undefined ? {} : { body }),
    });
    // A browser hides the status of a redirect that it was told not to follow.
    if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      throw strange(url, "it answers with a redirect");
    }
    return { status: response.status, headers: response.headers, text: await readText(response, url) };
  } catch (error) {
    if (error instanceof AgentKeysError) throw error;
    ask.signal?.throwIfAborted();
    if (deadline.aborted) {
      throw new AgentKeysError("ERR_REQUEST_TIMEOUT", `${url} did not answer in time`, { milliseconds: ask.within });
    }
    const reason = reasonOf(error);
    throw new AgentKeysError("ERR_REQUEST_UNREACHABLE", `${url}: ${reason}`, { url, reason }, { cause: error });
  }
}

async function readText(response: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    const part = read.value as Uint8Array;
    length += part.length;
    if (length > largestAnswer) {
      await reader?.cancel();
      throw strange(url, `the answer is larger than ${largestAnswer} bytes`);
    }
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw strange(url, "the answer is not UTF-8");
  }
}

/** An answer that this API does not give. */
export function strange(url: string, reason: string): AgentKeysError<"ERR_REQUEST_ANSWER"> {
  return new AgentKeysError("ERR_REQUEST_ANSWER", `${url}: ${reason}`, { url, reason });
}

// fetch says only "fetch failed"; what failed stands in the cause.
function reasonOf(error: unknown): string {
  const { cause, message } = error instanceof Error ? error : new Error(String(error));
  if (!(cause instanceof Error)) return message;
  const { code } = cause as { code?: unknown };
  return cause.message !== "" ? cause.message : typeof code === "string" ? code : message;
}
