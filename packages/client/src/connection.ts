import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import { parseBrokerUrl } from "./broker-url.ts";
import type { ClientKey } from "./client-key.ts";
import { systemClock, type Clock } from "./clock.ts";
import { exchange, strange, type RawAnswer } from "./exchange.ts";
import { tryParseJson } from "./json.ts";
import { problemError } from "./problem.ts";
import { makeProof } from "./proof.ts";
import { isUsable, sessionOf, tokenSchema, type Session, type SessionKeeper } from "./session.ts";

/** How a caller shows itself: not at all, by a proof of its key, or by a proof and its access token. */
export type Showing = "nothing" | "key" | "session";

/** One call of the API. */
export interface BrokerAsk {
  readonly method: "GET" | "POST" | "DELETE";
  /** Begins with a slash; may have a query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as a form (the `/oauth/` routes). */
  readonly form?: Readonly<Record<string, string>>;
  /** Default `session`. */
  readonly show?: Showing;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** An answer of the API that is a success. */
export interface BrokerAnswer {
  readonly status: number;
  readonly text: string;
}

/** What a connection is made of. */
export interface ConnectionOptions {
  /** The broker's public URL. */
  readonly broker: string;
  readonly key: ClientKey;
  readonly session?: Session | undefined;
  /** Where a new session is stored before it is used; without one it lives in memory. */
  readonly keeper?: SessionKeeper | undefined;
  /** Default `agentkeys`. */
  readonly clientId?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Milliseconds for one exchange. Default 20,000. */
  readonly within?: number | undefined;
}

/** A way to one broker for one key. */
export interface BrokerConnection {
  readonly broker: string;
  readonly key: ClientKey;
  /** Sends a call: with a new proof, once more with the nonce asked for, and once more with a renewed token. */
  send(ask: BrokerAsk): Promise<BrokerAnswer>;
  /** {@link send}, and the JSON of its answer as the schema has it; ERR_REQUEST_ANSWER when it is otherwise. */
  ask<Schema extends v.GenericSchema>(ask: BrokerAsk, schema: Schema): Promise<v.InferOutput<Schema>>;
  /** Takes a session that was just given out, after storing it. */
  adopt(session: Session): Promise<void>;
}

/**
 * Opens a connection; nothing is sent yet. Every refusal is an AgentKeysError with the broker's code; ERR_REQUEST_UNREACHABLE,
 * ERR_REQUEST_TIMEOUT and ERR_REQUEST_ANSWER are this side's own.
 *
 * @example
 * const connection = openConnection({ broker: "https://keys.example", key: await makeKey() });
 */
export function openConnection(options: ConnectionOptions): BrokerConnection {
  const { key, keeper, clientId = "agentkeys", clock = systemClock, within = 20_000 } = options;
  const broker = parseBrokerUrl(options.broker);
  let session = options.session;
  let nonce: string | undefined;
  let refreshing: Promise<Session> | undefined;

  async function exchangeOnce(ask: BrokerAsk, accessToken: string | undefined): Promise<RawAnswer> {
    const [path = ""] = ask.path.split("?");
    const proves = ask.show !== "nothing";
    const proof = { method: ask.method, url: `${broker}${path}`, nonce, accessToken, now: clock.now() };
    const answer = await exchange({
      method: ask.method,
      url: `${broker}${ask.path}`,
      body: bodyOf(ask),
      headers: {
        accept: "application/json, application/problem+json",
        ...(ask.json === undefined ? {} : { "content-type": "application/json" }),
        ...(ask.form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
        ...(proves ? { dpop: await makeProof(key, proof) } : {}),
        ...(accessToken === undefined ? {} : { authorization: `DPoP ${accessToken}` }),
        ...ask.headers,
      },
      signal: ask.signal,
      within,
    });
    nonce = answer.headers.get("dpop-nonce") ?? nonce;
    return answer;
  }

  async function exchangeWithNonce(ask: BrokerAsk, accessToken?: string): Promise<RawAnswer> {
    const sent = nonce;
    const answer = await exchangeOnce(ask, accessToken);
    const wantsNonce = answer.status >= 400 && isAgentKeysError(refusalOf(answer, ask.path), "ERR_SESSION_NONCE");
    return wantsNonce && nonce !== sent ? exchangeOnce(ask, accessToken) : answer;
  }

  async function send(ask: BrokerAsk): Promise<BrokerAnswer> {
    const { show = "session" } = ask;
    const current = show === "session" ? await usableSession() : undefined;
    const answer = await exchangeWithNonce(ask, current?.accessToken);
    if (answer.status < 300) return answer;
    const refusal = refusalOf(answer, ask.path);
    if (current === undefined || !isAgentKeysError(refusal, "ERR_SESSION_TOKEN")) throw refusal;
    const renewed = await usableSession(current.accessToken);
    const second = await exchangeWithNonce(ask, renewed.accessToken);
    if (second.status < 300) return second;
    throw refusalOf(second, ask.path);
  }

  function refusalOf(answer: RawAnswer, path: string): AgentKeysError {
    return problemError(answer.status, tryParseJson(answer.text), `${broker}${path}`);
  }

  /** A session whose access token is not the refused one. All callers wait for one refresh. */
  async function usableSession(refused?: string): Promise<Session> {
    if (session !== undefined && session.accessToken !== refused && isUsable(session, clock)) return session;
    refreshing ??= renew(refused).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function renew(refused: string | undefined): Promise<Session> {
    if (keeper?.exclusively === undefined) return refresh(session);
    return keeper.exclusively(async (stored) => {
      // Another process was here first: its session is as good as one of our own.
      if (stored !== undefined && stored.accessToken !== refused && isUsable(stored, clock)) {
        session = stored;
        return stored;
      }
      return refresh(stored ?? session);
    });
  }

  async function refresh(old: Session | undefined): Promise<Session> {
    if (old === undefined) {
      const reason = "there is no session";
      throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
    }
    const form = { grant_type: "refresh_token", refresh_token: old.refreshToken, client_id: clientId };
    const path = "/oauth/token";
    const answer = await exchangeWithNonce({ method: "POST", path, form, show: "key" });
    if (answer.status >= 300) throw refusalOf(answer, path);
    const renewed = sessionOf(parseAs(tokenSchema, answer.text, `${broker}${path}`), clock);
    await adopt(renewed);
    return renewed;
  }

  async function adopt(fresh: Session): Promise<void> {
    await keeper?.save(fresh);
    session = fresh;
  }

  return Object.freeze({
    broker,
    key,
    send,
    async ask<Schema extends v.GenericSchema>(ask: BrokerAsk, schema: Schema): Promise<v.InferOutput<Schema>> {
      const answer = await send(ask);
      return parseAs(schema, answer.text, `${broker}${ask.path}`);
    },
    adopt,
  });
}

function bodyOf({ json, form }: BrokerAsk): string | undefined {
  if (form !== undefined) return new URLSearchParams(form).toString();
  return json === undefined ? undefined : JSON.stringify(json);
}

function parseAs<Schema extends v.GenericSchema>(schema: Schema, text: string, url: string): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, tryParseJson(text));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  throw strange(url, `${path === null ? "the answer" : `member ${path}`} is not of the documented form`);
}
