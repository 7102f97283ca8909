import { lookup as lookUp, type LookupAddress } from "node:dns";
import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { BlockList, isIP } from "node:net";
import { callbackify } from "node:util";
import type { HostFetchInit, HostResponse, PluginHost } from "@agentkeys/core";

/** All addresses of a name. */
export type LookUp = (name: string) => Promise<readonly LookupAddress[]>;

const fetchDeadline = 10_000;
const mostBytes = 1 << 20;

/** Networks that are nobody's public address (IANA's special-purpose registries). */
const reserved = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const)
  reserved.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["::", 96],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  reserved.addSubnet(network, prefix, "ipv6");

/**
 * What plug-ins fetch by: https to public addresses, http and https to loopback, and to the exact `host:port` pairs of `allowed`. No
 * redirect; 10 s; the body within `maxBytes` (default 1 MiB). The address that is looked at is the one that is connected to, so that
 * a name which changes its address in between leads nowhere else.
 */
export function createHostFetch(allowed: ReadonlySet<string>, resolve: LookUp = lookUpAll): PluginHost["fetch"] {
  return async (text, init = {}) => {
    const url = new URL(text);
    const refuse = (): TypeError =>
      new TypeError(
        `${url.origin} may not be fetched: https to a public address, loopback, or a host:port of broker.allow_private`,
      );
    const name = url.hostname.replace(/^\[|\]$/gu, "");
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    const isAllowed = allowed.has(`${url.hostname}:${port}`);
    const isHere = name === "localhost" || isLoopback(name);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && (isAllowed || isHere))) throw refuse();
    const isFine = (address: string): boolean => isAllowed || (isHere ? isLoopback(address) : !isReserved(address));
    if (isIP(name) !== 0 && !isFine(name)) throw refuse();
    const signal = AbortSignal.any([
      AbortSignal.timeout(fetchDeadline),
      ...(init.signal === undefined ? [] : [init.signal]),
    ]);
    signal.throwIfAborted();
    const find = async (asked: string): Promise<readonly LookupAddress[]> => {
      const found = await resolve(asked);
      if (found.length === 0 || !found.every(({ address }) => isFine(address))) throw refuse();
      return found;
    };
    const answer = await send(url, init, signal, find);
    return read(answer, init.maxBytes ?? mostBytes);
  };
}

function send(url: URL, init: HostFetchInit, signal: AbortSignal, find: LookUp): Promise<IncomingMessage> {
  const findThen = callbackify(find);
  const lookup: RequestOptions["lookup"] = (name, { all }, answered) =>
    findThen(name, (error, found) => {
      if (error !== null) answered(error, "");
      else if (all === true) answered(null, [...found]);
      else answered(null, found[0]?.address ?? "", found[0]?.family);
    });
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const { method = "GET", headers = {}, body } = init;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, signal, lookup }, resolve);
    sent.once("error", reject);
    sent.end(body);
  });
}

async function read(answer: IncomingMessage, most: number): Promise<HostResponse> {
  const status = answer.statusCode ?? 0;
  const headers = new Headers();
  for (let at = 0; at < answer.rawHeaders.length; at += 2)
    headers.append(answer.rawHeaders[at] ?? "", answer.rawHeaders[at + 1] ?? "");
  if (status >= 300 && status < 400 && headers.has("location")) {
    answer.destroy();
    throw new TypeError("the answer is a redirect, which is not followed");
  }
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop destroys the connection.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new TypeError(`the answer is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  return { status, headers, body: Buffer.concat(chunks) };
}

function isLoopback(address: string): boolean {
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

function isReserved(address: string): boolean {
  const family = isIP(address);
  return family === 0 || reserved.check(address, family === 6 ? "ipv6" : "ipv4");
}

function lookUpAll(name: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookUp(name, { all: true }, (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
}
