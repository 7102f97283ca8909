import { receiptMediaType } from "@agentkeys/log";
import * as v from "valibot";
import { logErrors, type RouteDescription } from "./description.ts";
import { anyObject, count, hex64, instant, receipt } from "./schemas.ts";

const plugin = v.strictObject({
  kind: v.string(),
  name: v.string(),
  status: v.picklist(["ready", "degraded", "unready"]),
  reason: v.optional(v.string()),
  docs: v.string(),
});
const readiness = v.strictObject({
  status: v.picklist(["ready", "degraded", "unready"]),
  reason: v.optional(v.string()),
  plugins: v.array(plugin),
});
const log = v.strictObject({
  origin: v.string(),
  log_id: v.string(),
  vkey: v.string(),
  epochs: v.array(v.strictObject({ origin: v.string(), log_id: v.string(), vkeys: v.array(v.string()), size: count })),
});
const record = v.strictObject({
  // Below 0 in an earlier epoch of the log.
  index: v.pipe(v.number(), v.safeInteger()),
  id: v.string(),
  time: instant,
  type: v.string(),
  outcome: v.string(),
  agent: v.optional(v.string()),
  wallet: v.optional(v.string()),
  issuer: v.optional(v.string()),
  scope: v.optional(v.string()),
  policy: v.optional(hex64),
  grant: v.optional(v.string()),
  credential: v.optional(v.string()),
  validity: v.optional(v.array(count)),
  parent: v.optional(v.string()),
  code: v.optional(v.string()),
});

/** What anyone may ask, and the audit log. */
export const publicRoutes: readonly RouteDescription[] = [
  {
    route: "GET /healthz",
    summary: "Whether the process lives.",
    caller: "any",
    answers: { 200: { means: "It does.", schema: v.strictObject({ status: v.literal("ok") }) } },
  },
  {
    route: "GET /readyz",
    summary: "Whether the broker serves, with a reason for each plug-in.",
    caller: "any",
    answers: {
      200: { means: "It does.", schema: readiness },
      503: { means: "It does not, or is stopping.", schema: readiness },
    },
  },
  {
    route: "GET /.well-known/agentkeys",
    summary: "What this broker is: its sign-in methods, issuers, log, anchors and plug-ins.",
    caller: "any",
    answers: {
      200: {
        means: "What it is.",
        schema: v.strictObject({
          api_version: v.literal(1),
          public_url: v.pipe(v.string(), v.url()),
          methods: v.array(
            v.strictObject({
              name: v.string(),
              flow: v.picklist(["in_band", "out_of_band"]),
              identity_types: v.array(v.string()),
            }),
          ),
          issuers: v.array(v.string()),
          log,
          anchors: v.array(v.string()),
          plugins: v.array(
            v.strictObject({
              kind: v.string(),
              name: v.string(),
              package: v.string(),
              version: v.string(),
              integrity: v.string(),
            }),
          ),
          clients: v.array(v.string()),
          claimed: v.boolean(),
        }),
      },
    },
    errors: logErrors,
  },
  {
    route: "GET /.well-known/openid-configuration",
    summary: "OpenID Connect Discovery, for those who verify credentials.",
    caller: "any",
    answers: { 200: { means: "The metadata.", schema: v.looseObject({ issuer: v.string(), jwks_uri: v.string() }) } },
  },
  {
    route: "GET /.well-known/oauth-authorization-server",
    summary: "OAuth metadata (RFC 8414).",
    caller: "any",
    answers: {
      200: { means: "The metadata.", schema: v.looseObject({ issuer: v.string(), token_endpoint: v.string() }) },
    },
  },
  {
    route: "GET /.well-known/jwks.json",
    summary: "Public keys of access tokens and of credentials (RFC 7517).",
    caller: "any",
    answers: {
      200: {
        means: "The keys.",
        schema: v.strictObject({ keys: v.array(v.looseObject({ kty: v.string(), kid: v.string() })) }),
      },
    },
  },
  {
    route: "GET /openapi.json",
    summary: "This document.",
    caller: "any",
    answers: { 200: { means: "The document.", schema: anyObject } },
  },
  {
    route: "GET /pair",
    summary: "A page that says how to approve an agent.",
    caller: "browser",
    answers: { 200: { means: "The page.", type: "text/html" } },
  },
  {
    route: "GET /assets/page.css",
    summary: "The style of the broker's pages.",
    caller: "browser",
    answers: { 200: { means: "The style.", type: "text/css" } },
  },
  {
    route: "GET /assets/page.js",
    summary: "The script of the broker's pages.",
    caller: "browser",
    answers: { 200: { means: "The script.", type: "text/javascript" } },
  },
  {
    route: "GET /v1/audit/logs/:log/checkpoint",
    summary: "The newest head of the log, a signed note (C2SP tlog-checkpoint).",
    caller: "any",
    answers: { 200: { means: "The head.", type: "text/plain" } },
    errors: [...logErrors, "ERR_REQUEST_NOT_FOUND"],
  },
  {
    route: "GET /v1/audit/logs/:log/tile/*",
    summary: "A tile of hashes, `tile/<L>/<N>[.p/<W>]` (C2SP tlog-tiles). The path has slashes of its own.",
    caller: "any",
    answers: { 200: { means: "The hashes.", type: "application/octet-stream" } },
    errors: [...logErrors, "ERR_REQUEST_NOT_FOUND"],
  },
  {
    route: "GET /v1/audit/logs/:log/tile/entries/*",
    summary: "An entry bundle, `tile/entries/<N>[.p/<W>]` (C2SP tlog-tiles). The path has slashes of its own.",
    caller: "auditor",
    answers: { 200: { means: "The entries.", type: "application/octet-stream" } },
    errors: [...logErrors, "ERR_REQUEST_NOT_FOUND"],
  },
  {
    route: "GET /v1/audit/lag",
    summary: "How far each anchor is behind the log.",
    caller: "any",
    answers: {
      200: {
        means: "The lag.",
        schema: v.strictObject({
          size: count,
          anchors: v.array(
            v.strictObject({
              name: v.string(),
              size: count,
              lag_records: count,
              published_at: v.optional(instant),
              status: v.picklist(["starting", "ok", "retry", "ahead", "fork", "refused", "failed"]),
              reason: v.optional(v.string()),
            }),
          ),
        }),
      },
    },
    errors: logErrors,
  },
  {
    route: "GET /v1/audit/receipts/:record",
    summary: "The receipt of a record, for its agent or person.",
    caller: "session",
    answers: { 200: { means: "The receipt.", schema: receipt, type: receiptMediaType } },
    errors: [...logErrors, "ERR_REQUEST_NOT_FOUND"],
  },
  {
    route: "GET /v1/audit/records",
    summary: "The account's own records, newest first.",
    caller: "person",
    query: {
      before: v.pipe(v.string(), v.regex(/^(0|-?[1-9]\d{0,14})$/u)),
      limit: v.pipe(v.string(), v.regex(/^[1-9]\d{0,2}$/u)),
    },
    answers: { 200: { means: "The records.", schema: v.strictObject({ records: v.array(record) }) } },
    errors: [...logErrors, "ERR_REQUEST_MALFORMED"],
  },
];
