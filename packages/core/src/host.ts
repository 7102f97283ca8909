import type { Json } from "./call.ts";

/** A reference to a secret, as TOML writes it: `{ file = "…" }` (relative to the config file) or `{ env = "…" }`. */
export type SecretReference = { readonly file: string } | { readonly env: string };

/**
 * A durable key-value space of the plug-in's own. Values are JSON of at most 64 KiB; keys are 1 to 512
 * characters of well-formed text. A `ttl` is in whole seconds;
 * what has outlived it is gone for every verb. Each verb is atomic, and a write has survived a crash when it resolves.
 */
export interface HostStore {
  get(key: string): Promise<Json | undefined>;
  put(key: string, value: Json, ttl?: number): Promise<void>;
  /** Stores the value and answers true for the first caller only; false (and no change) while the key is there. */
  claim(key: string, value: Json, ttl?: number): Promise<boolean>;
  /** Answers the value and deletes it, so that exactly one caller gets it. Undefined when it is not there. */
  take(key: string): Promise<Json | undefined>;
  delete(key: string): Promise<void>;
  /** The live entries whose key begins with `prefix`, in key order, at most `limit` (default 100). */
  list(prefix: string, limit?: number): Promise<readonly { readonly key: string; readonly value: Json }[]>;
}

/** Options of `host.fetch` beyond the standard ones. */
export interface HostFetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Largest answer in bytes; more is an error. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** The whole answer of `host.fetch`; its body was read within the size limit. */
export interface HostResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * What the broker lends a plug-in. A plug-in takes time, randomness, network, storage, secrets and logging from here and
 * nowhere else, so that a test can hold each of them.
 */
export interface PluginHost {
  /** The name of the config section, e.g. `base` of `[audit.base]`. */
  readonly name: string;
  /** The broker's public URL without a final slash, e.g. `https://keys.example`. */
  readonly publicUrl: string;
  /** A folder for this plug-in's files under the broker's data_dir; it exists, mode 0700. */
  readonly dataDirectory: string;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** `size` bytes from a cryptographic source. */
  random(size: number): Uint8Array;
  /** One structured line. Never a secret, a token or a proof. */
  log(level: "debug" | "info" | "warn" | "error", event: string, fields?: Readonly<Record<string, Json>>): void;
  /** Adds to a counter or records a measurement, e.g. `metric("emails_sent", 1)`. */
  metric(name: string, value: number): void;
  /** HTTP with a deadline and a size limit, without redirects, to no private address unless the operator allows it. */
  fetch(url: string, init?: HostFetchInit): Promise<HostResponse>;
  readonly store: HostStore;
  /** Opens a reference; refuses a file that others can read. Throws ERR_CONFIG_SECRET. */
  secret(reference: SecretReference): Promise<string>;
}
