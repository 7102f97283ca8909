import * as v from "valibot";
import { credentialBody } from "../routes/credentials.ts";
import { explainBody, grantBody } from "../routes/grants.ts";
import { logErrors, pluginErrors, type RouteDescription } from "./description.ts";
import { count, grant, instant, receipt, scope } from "./schemas.ts";

const askErrors = ["ERR_GRANT_SCOPE", "ERR_GRANT_AUDIENCE", "ERR_ISSUER_TTL", "ERR_ISSUER_UNKNOWN"] as const;
const grants = v.strictObject({ grants: v.array(grant) });

/** Grants, and what they are for. */
export const credentialRoutes: readonly RouteDescription[] = [
  {
    route: "POST /v1/grants",
    summary: "Say what an agent may ask for, within the account's own rights.",
    caller: "fresh",
    json: grantBody,
    answers: { 201: { means: "The grant.", schema: grant } },
    errors: [
      ...askErrors,
      ...logErrors,
      "ERR_GRANT_NOT_FOUND",
      "ERR_GRANT_EXCEEDS_RIGHTS",
      "ERR_GRANT_DENIED",
      "ERR_GRANT_TTL",
    ],
  },
  {
    route: "GET /v1/grants",
    summary: "The account's grants.",
    caller: "person",
    query: { agent: v.string() },
    answers: { 200: { means: "The grants.", schema: grants } },
  },
  {
    route: "GET /v1/grants/mine",
    summary: "The calling agent's live grants.",
    caller: "agent",
    answers: { 200: { means: "The grants.", schema: grants } },
  },
  {
    route: "POST /v1/grants/explain",
    summary:
      "Say what would come of an ask, which layer refuses it, and what would be allowed. A person names an agent of theirs.",
    caller: "session",
    json: explainBody,
    answers: {
      200: {
        means: "What would come of it.",
        schema: v.strictObject({
          allowed: v.boolean(),
          layer: v.optional(v.picklist(["agent", "grant", "rights", "ceiling", "constraint", "issuer"])),
          code: v.optional(v.string()),
          reason: v.string(),
          facts: v.optional(v.looseObject({})),
          grant: v.optional(v.string()),
          policy: v.looseObject({}),
          would_allow: v.array(
            v.strictObject({
              grant: v.string(),
              issuer: v.string(),
              scope,
              min_ttl: count,
              max_ttl: count,
              left: v.optional(
                v.strictObject({ uses: v.optional(count), units: v.optional(count), seconds: v.optional(count) }),
              ),
            }),
          ),
        }),
      },
    },
    errors: ["ERR_GRANT_NOT_FOUND", ...pluginErrors],
  },
  {
    route: "DELETE /v1/grants/:id",
    summary: "End a grant.",
    caller: "person",
    answers: { 204: { means: "It is ended." } },
    errors: ["ERR_GRANT_NOT_FOUND", ...logErrors],
  },
  {
    route: "POST /v1/credentials",
    summary:
      "The main job: a credential, recorded durably before it is released. A retry sends the same Idempotency-Key.",
    caller: "agent",
    json: credentialBody,
    headers: { "Idempotency-Key": v.pipe(v.string(), v.regex(/^[\x21-\x7e]{8,128}$/u)) },
    answers: {
      200: {
        means: "The credential and the receipt of its record.",
        schema: v.strictObject({
          credential: v.strictObject({
            id: v.string(),
            issuer: v.string(),
            type: v.string(),
            value: v.unknown(),
            issued_at: instant,
            expires_at: instant,
          }),
          receipt,
        }),
      },
    },
    errors: [
      ...askErrors,
      ...logErrors,
      "ERR_REQUEST_IDEMPOTENCY_KEY",
      "ERR_REQUEST_IDEMPOTENCY_REUSED",
      "ERR_REQUEST_IN_PROGRESS",
      "ERR_GRANT_NOT_FOUND",
      "ERR_GRANT_DENIED",
      "ERR_GRANT_EXCEEDS_RIGHTS",
      "ERR_GRANT_TTL",
      "ERR_GRANT_USED_UP",
      "ERR_AUDIT_FORK",
      "ERR_ISSUER_FAILED",
      "ERR_ISSUER_OUTCOME_UNKNOWN",
      "ERR_AUDIT_RECORD",
      "ERR_AUDIT_CONFLICT",
    ],
  },
];
