import { routePath } from "hono/route";
import type { Broker } from "../broker.ts";
import { sourceKeyOf, type BrokerContext } from "./context.ts";

/**
 * Counts an answer, and writes its line: at `debug` each, at `info` those that were refused. To be given a first nonce is no refusal:
 * every program begins so. A line holds the route's template, never the path, a query, a header or a body.
 */
export function observeAnswer(broker: Broker, c: BrokerContext, seconds: number): void {
  const { method } = c.req;
  const { status } = c.res;
  const route = routeOf(c);
  const code = c.get("code") ?? "ok";
  broker.metrics.requests.with(method, route, String(status), code).add();
  broker.metrics.requestSeconds.with(method, route).observe(seconds);
  const level = status >= 400 && !isProbe(route) && code !== "ERR_SESSION_NONCE" ? "info" : "debug";
  if (!broker.logger.writes(level)) return;
  const milliseconds = Math.round(seconds * 10_000) / 10;
  const facts = {
    request_id: c.get("requestId"),
    method,
    route,
    status,
    ms: milliseconds,
    source: sourceKeyOf(broker, c),
  };
  broker.logger[level]("http.request", code === "ok" ? facts : { ...facts, code });
}

/** The template of the route that answered or, where the door refused, would have; made-up paths must not become labels. */
function routeOf(c: BrokerContext): string {
  const reached = routePath(c);
  const path = isMiddleware(reached) ? routePath(c, -1) : reached;
  return isMiddleware(path) ? "none" : path;
}

function isMiddleware(path: string): boolean {
  return path === "/*" || path === "*";
}

function isProbe(route: string): boolean {
  return route === "/healthz" || route === "/readyz";
}
