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
import type { LimitName } from "./limits.ts";

/** What every request carries through the routes. */
export interface Variables {
  readonly requestId: string;
  /** The code of the error it was answered with. */
  readonly code: string | undefined;
}
/** A request in hand. */
export type BrokerContext = Context<{ Variables: Variables }>;

/** The address a request comes from: the connection's, or what a trusted proxy says of it. */
export function sourceOf(broker: Broker, c: BrokerContext): string {
  return broker.sources(getConnInfo(c).remote.address, c.req.header(broker.forwardedHeader));
}

/** What a request is limited by: its address, an IPv6 one by its /64. */
export function sourceKeyOf(broker: Broker, c: BrokerContext): string {
  return sourceKey(sourceOf(broker, c));
}

/** Counts a request of a stranger before anything expensive is done for it. Throws ERR_REQUEST_RATE_LIMITED. */
export function countStranger(broker: Broker, c: BrokerContext, limit: LimitName, method = ""): void {
  broker.limits.take(limit, method === "" ? sourceKeyOf(broker, c) : `${method} ${sourceKeyOf(broker, c)}`);
}

/** The access token a request carries, of whatever form. */
export function authorizationToken(c: BrokerContext): string | undefined {
  return /^DPoP ([A-Za-z0-9._-]+)$/iu.exec(c.req.header("authorization") ?? "")?.[1];
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
  broker.limits.take("calls", caller.account);
  assertPerson(caller, broker.now(), false);
  return caller;
}

/** A person's call that gives power away: the sign-in is at most five minutes old. */
export function freshPerson(broker: Broker, c: BrokerContext): Authenticated {
  const caller = authenticate(broker, presented(c));
  broker.limits.take("calls", caller.account);
  assertPerson(caller, broker.now(), true);
  return caller;
}

/** An operator's call; with `fresh`, one whose sign-in is at most five minutes old. */
export function operator(broker: Broker, c: BrokerContext, fresh: boolean): Authenticated {
  const caller = fresh ? freshPerson(broker, c) : person(broker, c);
  if (broker.readings.account(caller.account)?.role !== "operator")
    throw new AgentKeysError("ERR_SESSION_CALLER", "this is for an operator", { needed: "operator" });
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
