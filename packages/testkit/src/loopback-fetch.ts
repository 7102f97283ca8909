import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { AgentKeysError, type HostFetchInit, type HostResponse } from "@agentkeys/core";

const mostBytes = 1_048_576;

/**
 * `host.fetch` for real, to loopback addresses only: no redirects, no kept connections, an answer of at most `maxBytes`. Everything
 * that goes wrong is ERR_REQUEST_UNREACHABLE.
 */
export async function fetchLoopback(url: string, init: HostFetchInit = {}): Promise<HostResponse> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target === undefined || !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/u.test(target.hostname))
    throw unreachable(url, "the fake host reaches loopback addresses only");
  const send = target.protocol === "https:" ? requestHttps : requestHttp;
  const { method = "GET", headers = {}, body, signal, maxBytes = mostBytes } = init;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(unreachable(url, String(error), error));
    const options = { method, headers: { ...headers }, agent: false, ...(signal === undefined ? {} : { signal }) };
    const request = send(target, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("error", fail);
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > maxBytes) response.destroy(new Error(`the answer has more than ${maxBytes} bytes`));
      });
      response.on("end", () => {
        const found = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        );
        const answer = Uint8Array.from(Buffer.concat(chunks));
        resolve({ status: response.statusCode ?? 0, headers: new Headers(found), body: answer });
      });
    });
    request.on("error", fail);
    request.end(body);
  });
}

function unreachable(url: string, reason: string, cause?: unknown): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_UNREACHABLE", `${url} could not be fetched`, { url, reason }, { cause });
}
