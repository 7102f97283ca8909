/** What travels with every call into a plug-in. */
export interface Call {
  /** Names the request in logs and errors, unique per request. */
  readonly requestId: string;
  /** Aborts when the deadline passes or the caller is gone. */
  readonly signal: AbortSignal;
  /** Milliseconds since the Unix epoch after which nobody waits for the answer. */
  readonly deadline: number;
}

/** JSON data, as it stands in a config, a challenge or a piece of evidence. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What an instance says of itself after asking the real thing (database, mail server, chain). */
export type Readiness =
  | { readonly status: "ready" }
  | { readonly status: "degraded" | "unready"; readonly reason: string };

/** What every instance of every kind has beside its contract. */
export interface Lifecycle {
  /** Asks the real thing and never throws for a remote fault. */
  ready(call: Call): Promise<Readiness>;
  /** After it resolves, no timer, socket or file of the instance lives. Safe to call twice. */
  close(): Promise<void>;
}
