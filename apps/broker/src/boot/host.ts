import { randomFillSync } from "node:crypto";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { lookup } from "node:dns/promises";
import { dirname, join, resolve } from "node:path";
import {
  AgentKeysError,
  type HostFetchInit,
  type HostResponse,
  type HostStore,
  type PluginHost,
  type SecretReference,
} from "@agentkeys/core";
import type { Logger } from "../ops/logger.ts";

/** What the broker needs to lend a host to one plug-in. */
export interface HostParts {
  readonly kind: string;
  readonly name: string;
  readonly publicUrl: string;
  readonly dataDirectory: string;
  /** The configuration file: secret files are resolved from its folder. */
  readonly origin: string;
  readonly now: () => number;
  readonly logger: Logger;
  /** Adds to one of the plug-in's own measurements. */
  readonly measure: (name: string, value: number) => void;
  readonly store: HostStore;
}

/** Makes the host of one plug-in; its folder is `<data_dir>/<kind>-<name>`, mode 0700. */
export function createHost(parts: HostParts): PluginHost {
  const prefix = `${parts.kind}.${parts.name}`;
  const folder = join(parts.dataDirectory, `${parts.kind}-${parts.name}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    name: parts.name,
    publicUrl: parts.publicUrl,
    dataDirectory: folder,
    now: parts.now,
    random: (size) => randomFillSync(new Uint8Array(size)),
    log: (level, event, fields) => parts.logger[level](`${prefix}.${event}`, fields),
    metric: (name, value) => {
      // A name that is no name could carry anything into the metrics, and a value that is no number would spoil its sum.
      if (/^[a-z][a-z0-9_]{0,63}$/u.test(name) && Number.isFinite(value) && value >= 0) parts.measure(name, value);
      else parts.logger.warn("plugin.metric_refused", { plugin: prefix });
    },
    fetch: fetchWithin,
    store: parts.store,
    secret: async (reference) => openSecret(reference, dirname(parts.origin)),
  };
}

/** Opens `{file}` (relative to `folder`, mode 0600 or stricter) or `{env}`. A final line end is cut. */
export function openSecret(reference: SecretReference, folder: string): string {
  const refuse = (name: string, reason: string): AgentKeysError =>
    new AgentKeysError("ERR_CONFIG_SECRET", `secret ${name}: ${reason}`, { reference: name, reason });
  if ("env" in reference) {
    const value = process.env[reference.env];
    if (value === undefined || value === "") throw refuse(`env ${reference.env}`, "the variable is not set");
    return value;
  }
  const path = resolve(folder, reference.file);
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw refuse(`file ${path}`, "others can read it; run chmod 600");
    return readFileSync(path, "utf8").replace(/\r?\n$/u, "");
  } catch (fault) {
    if (fault instanceof AgentKeysError) throw fault;
    throw refuse(`file ${path}`, fault instanceof Error ? fault.message : String(fault));
  }
}

const fetchDeadline = 10_000;

/** `host.fetch`: https, or http to loopback; no redirect; no private address; the body within `maxBytes`. */
async function fetchWithin(text: string, init: HostFetchInit = {}): Promise<HostResponse> {
  const url = new URL(text);
  await assertReachable(url);
  const signals = [AbortSignal.timeout(fetchDeadline), ...(init.signal === undefined ? [] : [init.signal])];
  const response = await fetch(url, {
    method: init.method ?? "GET",
    redirect: "error",
    signal: AbortSignal.any(signals),
    ...(init.headers === undefined ? {} : { headers: init.headers }),
    ...(init.body === undefined ? {} : { body: init.body as string | Uint8Array<ArrayBuffer> }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: await readWithin(response, init.maxBytes ?? 1 << 20),
  };
}

async function assertReachable(url: URL): Promise<void> {
  const host = url.hostname.replace(/^\[|\]$/gu, "");
  if (isLoopback(host) || host === "localhost") {
    if (url.protocol === "http:" || url.protocol === "https:") return;
  } else if (url.protocol === "https:") {
    const addresses = isIP(host) === 0 ? (await lookup(host, { all: true })).map((one) => one.address) : [host];
    if (addresses.every((address) => !isPrivate(address))) return;
  }
  throw new TypeError(`${url.origin} may not be fetched: https to a public address, or loopback`);
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^127(\.\d{1,3}){3}$/u.test(address);
}

function isPrivate(address: string): boolean {
  return (
    /^(0|10|127|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|22[4-9]|2[3-5]\d)\./u.test(
      address,
    ) || /^(::|::1|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*|ff.*|::ffff:.*|64:ff9b:.*)$/iu.test(address)
  );
}

async function readWithin(response: Response, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > most) throw new TypeError(`the answer is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
