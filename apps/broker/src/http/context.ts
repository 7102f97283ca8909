import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import {
  assertAgent,
  assertPerson,
  authenticate,
  type Authenticated,
  type PresentedRequest,
} from "../steps/authenticate.ts";
import { sourceKey } from "./limiter.ts";

/** What every request carries through the routes. */
export interface Variables {
  readonly requestId: string;
}
/** A request in hand. */
export type BrokerContext = Context<{ Variables: Variables }>;

/** Where the connection comes from. A header that claims otherwise is not believed. */
export function sourceOf(c: BrokerContext): string {
  return getConnInfo(c).remote.address ?? "unknown";
}

/** Counts a request of a stranger before anything expensive is done for it. Throws ERR_REQUEST_RATE_LIMITED. */
export function countStranger(broker: Broker, c: BrokerContext, cost = 1): void {
  const { allowed, retryAfter } = broker.strangers.take(sourceKey(sourceOf(c)), cost);
  if (!allowed)
    throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", `too many requests from this address; wait ${retryAfter} s`, {
      retryAfter,
    });
}

/** The parts of the request that authentication looks at. */
export function presented(c: BrokerContext): PresentedRequest {
  return {
    authorization: c.req.header("authorization"),
    proof: c.req.header("dpop"),
    method: c.req.method,
    path: c.req.path,
  };
}

/** A person's call. */
export function person(broker: Broker, c: BrokerContext): Authenticated {
  const caller = authenticate(broker, presented(c));
  assertPerson(caller, broker.now(), false);
  return caller;
}

/** A person's call that gives power away: the sign-in is at most five minutes old. */
export function freshPerson(broker: Broker, c: BrokerContext): Authenticated {
  const caller = authenticate(broker, presented(c));
  assertPerson(caller, broker.now(), true);
  return caller;
}

/** An agent's call. */
export function agent(broker: Broker, c: BrokerContext): Authenticated {
  const caller = authenticate(broker, presented(c));
  assertAgent(caller);
  return caller;
}

/** The thumbprint of the key that signed a proof without an access token. Throws ERR_SESSION_DPOP, ERR_SESSION_NONCE. */
export function proofKey(broker: Broker, c: BrokerContext): string {
  return broker.dpop.verify({ proof: c.req.header("dpop"), method: c.req.method, path: c.req.path }).thumbprint;
}
