import type { HttpBindings } from "@hono/node-server";
import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../../broker.ts";
import type { BrokerApp } from "../app.ts";
import { countStranger, type BrokerContext } from "../context.ts";

/** A tile's number by C2SP tlog-tiles: groups of three digits, all but the last with an `x`, and the width of a partial one. */
const number = String.raw`(?:0{3}|(?!000)\d{3}|x(?!000\/)\d{3}\/(?:x\d{3}\/)*\d{3})(\.p\/(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-5]))?`;
const hashTile = new RegExp(String.raw`^tile\/(?:\d|[1-5]\d|6[0-3])\/${number}$`, "u");
const entryBundle = new RegExp(String.raw`^tile\/entries\/${number}$`, "u");
const longestPath = 96;

/** The log as C2SP tlog-tiles serves it: heads and hashes for all, entry bundles for auditors. */
export function tileRoutes(app: BrokerApp, broker: Broker): void {
  app.get("/v1/audit/logs/:log/checkpoint", async (c) => {
    countStranger(broker, c, "reads");
    const log = c.req.param("log");
    assertPlain(c);
    const head = await broker.log.head(c.get("requestId"));
    if (log === head.logId) return c.text(head.note);
    const earlier = isLogId(log) ? await broker.log.tile(log, "checkpoint", c.get("requestId")) : undefined;
    if (earlier === undefined) throw notFound();
    return c.body(earlier.slice(), 200, { "content-type": "text/plain; charset=utf-8" });
  });
  app.get("/v1/audit/logs/:log/tile/entries/*", async (c) => {
    countStranger(broker, c, "reads");
    broker.auditors.authenticate(c.req.header("authorization"));
    const answer = await serve(broker, c, entryBundle);
    // Whoever stands between must not keep for others what only an auditor may read.
    c.header("cache-control", "private, max-age=31536000, immutable");
    return answer;
  });
  app.get("/v1/audit/logs/:log/tile/*", async (c) => {
    countStranger(broker, c, "reads");
    return serve(broker, c, hashTile);
  });
}

/** What was served once is the same for ever, a partial tile too: its width is part of its name. */
async function serve(broker: Broker, c: BrokerContext, form: RegExp): Promise<Response> {
  const log = c.req.param("log") ?? "";
  const path = c.req.path.slice(`/v1/audit/logs/${log}/`.length);
  assertPlain(c);
  if (!isLogId(log) || path.length > longestPath || !form.test(path)) throw notFound();
  const bytes = await broker.log.tile(log, path, c.get("requestId"));
  if (bytes === undefined) throw notFound();
  c.header("cache-control", "public, max-age=31536000, immutable");
  return c.body(bytes.slice(), 200, { "content-type": "application/octet-stream" });
}

/** The target as it came: an escape or a dot segment would be another spelling of a path, which nobody needs here. */
function assertPlain(c: BrokerContext): void {
  const target = (c.env as HttpBindings | undefined)?.incoming?.url ?? c.req.path;
  if (target !== c.req.path) throw notFound();
}

function isLogId(text: string): boolean {
  return /^[0-9a-f]{64}$/u.test(text);
}

function notFound(): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such resource of a log", {});
}
