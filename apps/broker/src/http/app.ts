import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AgentKeysError, isAgentKeysError, newIdentifier } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { BrokerContext, Variables } from "./context.ts";
import { openDoor } from "./door.ts";
import { countFailure } from "./failures.ts";
import { observeAnswer } from "./observe.ts";
import { authenticateHeader, toProblem } from "./problem.ts";
import { accountRoutes } from "./routes/account.ts";
import { accountsRoutes } from "./routes/accounts.ts";
import { identityRoutes } from "./routes/identities.ts";
import { auditRoutes } from "./routes/audit.ts";
import { authRoutes } from "./routes/auth.ts";
import { credentialRoutes } from "./routes/credentials.ts";
import { grantRoutes } from "./routes/grants.ts";
import { healthRoutes } from "./routes/health.ts";
import { oauthRoutes } from "./routes/oauth.ts";
import { pageRoutes } from "./routes/pages.ts";
import { pairingRoutes } from "./routes/pairings.ts";
import { proposalRoutes } from "./routes/proposals.ts";
import { tileRoutes } from "./routes/tiles.ts";
import { wellKnownRoutes } from "./routes/well-known.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** The hono application of the broker. */
export type BrokerApp = Hono<{ Variables: Variables }>;

/**
 * The broker's HTTP surface. `hosts` are the values of the Host header that are served; `traffic` is shared with who stops the
 * broker.
 */
export function createApp(
  broker: Broker,
  hosts: ReadonlySet<string>,
  traffic: Traffic = createTraffic(Infinity),
): BrokerApp {
  const app: BrokerApp = new Hono();
  app.use(async (c, next) => {
    const startedAt = performance.now();
    c.set("requestId", newIdentifier("req", broker.random(16)));
    setCommonHeaders(broker, c);
    await next();
    if (traffic.isDraining) c.header("connection", "close");
    observeAnswer(broker, c, (performance.now() - startedAt) / 1000);
  });
  app.use(openDoor(broker, hosts, traffic));
  for (const routes of [
    credentialRoutes,
    authRoutes,
    oauthRoutes,
    accountRoutes,
    identityRoutes,
    accountsRoutes,
    pairingRoutes,
    grantRoutes,
    proposalRoutes,
    auditRoutes,
    tileRoutes,
    wellKnownRoutes,
    (to: BrokerApp, of: Broker) => healthRoutes(to, of, traffic),
    pageRoutes,
  ])
    routes(app, broker);
  app.notFound((c) => answerProblem(broker, c, notServed(app, c)));
  app.onError((error, c) => answerProblem(broker, c, error));
  return app;
}

/** 405 where the path is served with another method, else 404. */
function notServed(app: BrokerApp, c: BrokerContext): AgentKeysError {
  const allowed = [
    ...new Set(
      app.routes
        .filter((route) => route.method !== "ALL" && matches(route.path, c.req.path))
        .map((route) => route.method),
    ),
  ];
  if (allowed.length === 0 || allowed.includes(c.req.method))
    return new AgentKeysError("ERR_REQUEST_NOT_FOUND", `there is nothing at ${c.req.path}`, {});
  return new AgentKeysError("ERR_REQUEST_METHOD", `${c.req.path} takes ${allowed.join(", ")}`, { allowed });
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split("/");
  const found = path.split("/");
  return (
    expected.length === found.length &&
    expected.every((part, at) => part === found[at] || (part.startsWith(":") && found[at] !== ""))
  );
}

/** Set before there is an answer: on an answer that is made already, each header would make it anew. */
function setCommonHeaders(broker: Broker, c: BrokerContext): void {
  c.header("x-request-id", c.get("requestId"));
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "no-referrer");
  c.header("cache-control", "no-store");
  if (c.req.header("dpop") !== undefined) c.header("dpop-nonce", broker.nonces.current());
}

function answerProblem(broker: Broker, c: BrokerContext, error: unknown): Response {
  const requestId = c.get("requestId");
  const isOauth = c.req.path.startsWith("/oauth/");
  const problem = toProblem(error, requestId, isOauth);
  c.set("code", problem.code);
  // What ends after its request was answered concerns nobody but the log.
  if (!c.finalized) countFailure(broker, c, error);
  if (problem.status >= 500 && !isAsMeant(error))
    broker.logger.error("http.failed", { request_id: requestId, code: problem.code, reason: reasonOf(error) });
  if (problem.status === 401) c.header("www-authenticate", authenticateHeader(error));
  if (isAgentKeysError(error, "ERR_SESSION_NONCE")) c.header("dpop-nonce", broker.nonces.current());
  if (problem.retry_after !== undefined) c.header("retry-after", String(problem.retry_after));
  if (isAgentKeysError(error, "ERR_REQUEST_METHOD")) c.header("allow", error.facts.allowed.join(", "));
  const type = isOauth ? "application/json" : "application/problem+json";
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, { "content-type": type });
}

/** Refusals that are no failure of anything: there is a line of them among the requests. */
function isAsMeant(error: unknown): boolean {
  return isAgentKeysError(error, "ERR_REQUEST_SHUTTING_DOWN") || isAgentKeysError(error, "ERR_REQUEST_OVERLOADED");
}

/** What the operator reads of it: messages and causes, never a request's contents. */
function reasonOf(error: unknown): string {
  const texts: string[] = [];
  for (let at = error; at instanceof Error && texts.length < 5; at = at.cause)
    texts.push(isAgentKeysError(at) ? at.message : (at.stack ?? at.message));
  return texts.join(" <- ");
}
