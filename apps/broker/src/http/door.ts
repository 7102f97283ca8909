import type { HttpBindings } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { createAwaitedBodies, hasBody } from "./awaited-bodies.ts";
import { assertDeclaredSize } from "./body.ts";
import { sourceKeyOf, type Variables } from "./context.ts";
import { assertFewFailures } from "./failures.ts";
import type { Traffic } from "./traffic.ts";

/** Longest path and query, in characters. */
export const mostUrlCharacters = 8192;
/** Most header fields of a request. */
export const mostHeaderFields = 100;

/** How long a request may take, in milliseconds; by route where that is not the default. */
export const deadlines: { readonly default: number; readonly [route: string]: number } = {
  default: 15_000,
  "/v1/auth/poll": 5000,
  "/v1/audit/lag": 6000,
  "/.well-known/agentkeys": 6000,
};

/** Probes tell whether the process lives and serves: they answer also when it takes nothing else. */
const probes: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * What every request passes before its route: the name it asks for, its size, whether there is room for it, and whether its source
 * has sent too many bad proofs or keeps too many bodies back: a quarter of the requests there may be. Then it has until its deadline.
 */
export function openDoor(
  broker: Broker,
  hosts: ReadonlySet<string>,
  traffic: Traffic,
): MiddlewareHandler<{ Variables: Variables }> {
  const bodies = createAwaitedBodies(Math.max(1, Math.floor(traffic.most / 4)));
  return async (c, next) => {
    const host = c.req.header("host") ?? "";
    if (!hosts.has(host.toLowerCase()))
      throw new AgentKeysError("ERR_REQUEST_HOST", "this broker does not serve that name", { host });
    const { path } = c.req;
    if (probes.has(path)) return next();
    const incoming = (c.env as HttpBindings | undefined)?.incoming;
    if ((incoming?.url?.length ?? 0) > mostUrlCharacters)
      throw new AgentKeysError("ERR_REQUEST_URL_TOO_LONG", `a path and query have at most ${mostUrlCharacters}`, {
        limit: mostUrlCharacters,
      });
    if ((incoming?.rawHeaders.length ?? 0) > 2 * mostHeaderFields)
      throw new AgentKeysError("ERR_REQUEST_HEADERS", `a request has at most ${mostHeaderFields} header fields`, {
        limit: mostHeaderFields,
      });
    assertDeclaredSize(c.req.header("content-length"));
    if (c.req.header("authorization") !== undefined || c.req.header("dpop") !== undefined) assertFewFailures(broker, c);
    const release =
      incoming !== undefined && hasBody(incoming) ? bodies.hold(sourceKeyOf(broker, c), incoming) : undefined;
    try {
      await traffic.run(deadlines[path] ?? deadlines.default, next);
    } finally {
      release?.();
    }
  };
}
