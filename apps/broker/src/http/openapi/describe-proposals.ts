import * as v from "valibot";
import { acceptBody, wishBody } from "../routes/proposals.ts";
import { logErrors, pluginErrors, type RouteDescription } from "./description.ts";
import { grant, proposal } from "./schemas.ts";

/** What agents wish for, and what their owners make of it. */
export const proposalRoutes: readonly RouteDescription[] = [
  {
    route: "POST /v1/proposals",
    summary: "Leave for the owner what the agent would ask for. The same wish is the same proposal.",
    caller: "agent",
    json: wishBody,
    answers: { 200: { means: "The proposal, new or known.", schema: proposal } },
    errors: [
      ...pluginErrors,
      "ERR_ISSUER_UNKNOWN",
      "ERR_ISSUER_TTL",
      "ERR_GRANT_SCOPE",
      "ERR_GRANT_AUDIENCE",
      "ERR_GRANT_NOT_FOUND",
      "ERR_GRANT_EXCEEDS_RIGHTS",
      "ERR_GRANT_DENIED",
    ],
  },
  {
    route: "GET /v1/proposals",
    summary: "What the account's agents wish for.",
    caller: "person",
    answers: { 200: { means: "The open proposals.", schema: v.strictObject({ proposals: v.array(proposal) }) } },
  },
  {
    route: "POST /v1/proposals/:id/accept",
    summary: "Make a grant of a proposal, at most as wide as the wish and within the account's own rights.",
    caller: "fresh",
    json: acceptBody,
    answers: { 201: { means: "The grant.", schema: grant } },
    errors: [
      ...logErrors,
      "ERR_ISSUER_UNKNOWN",
      "ERR_ISSUER_TTL",
      "ERR_GRANT_SCOPE",
      "ERR_GRANT_NOT_FOUND",
      "ERR_GRANT_EXCEEDS_RIGHTS",
      "ERR_GRANT_DENIED",
    ],
  },
  {
    route: "POST /v1/proposals/:id/decline",
    summary: "Decline a proposal.",
    caller: "person",
    answers: { 204: { means: "It is declined; the same wish is not put again while it would have waited." } },
    errors: ["ERR_GRANT_NOT_FOUND"],
  },
];
