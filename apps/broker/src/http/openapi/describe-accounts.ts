import * as v from "valibot";
import { inviteBody } from "../routes/accounts.ts";
import { identityBody } from "../routes/identities.ts";
import { logErrors, pluginErrors, proofErrors, type RouteDescription } from "./description.ts";
import { challenge, count, hex64, instant, secret } from "./schemas.ts";

const linked = { type: v.string(), value: v.string(), linked_at: instant };
const role = v.picklist(["operator", "member"]);
const invite = { id: v.string(), role, created_at: instant, expires_at: instant };
const row = { issuer: v.string(), scope: v.looseObject({}), max_ttl: count };

/** Linking, erasure, and what an operator does with accounts. */
export const accountsRoutes: readonly RouteDescription[] = [
  {
    route: "POST /v1/account/identities/:method/start",
    summary: "Start proving an identity to link. Only the session that starts can complete it.",
    caller: "fresh",
    json: v.looseObject({ client_name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))) }),
    answers: { 200: { means: "The challenge; other members are the method's own.", schema: challenge } },
    errors: proofErrors,
  },
  {
    route: "POST /v1/account/identities",
    summary: "Link an identity by the answer to its challenge, or by the poll token of an out-of-band method.",
    caller: "fresh",
    json: v.looseObject({ challenge_id: v.optional(v.string()), poll_token: v.optional(v.string()) }),
    answers: {
      201: { means: "The identity is linked.", schema: v.strictObject(linked) },
      202: { means: "Not yet.", schema: v.strictObject({ status: v.literal("pending"), interval: count }) },
    },
    errors: [...proofErrors, "ERR_AUTH_IDENTITY"],
  },
  {
    route: "DELETE /v1/account/identities",
    summary: "Unlink an identity for good, and end the person's other sessions. The last one stays.",
    caller: "fresh",
    json: identityBody,
    answers: { 204: { means: "It is unlinked." } },
    errors: ["ERR_REQUEST_NOT_FOUND", "ERR_AUTH_IDENTITY", ...logErrors],
  },
  {
    route: "DELETE /v1/account",
    summary: "Erase the account with all that is known of it.",
    caller: "fresh",
    answers: { 204: { means: "It is erased." } },
    errors: ["ERR_REQUEST_NOT_FOUND", "ERR_AUTH_LAST_OPERATOR", ...logErrors],
  },
  {
    route: "GET /v1/accounts",
    summary: "Accounts and the rights of each. For operators.",
    caller: "person",
    query: { after: v.string(), limit: count },
    answers: {
      200: {
        means: "The accounts.",
        schema: v.strictObject({
          accounts: v.array(
            v.strictObject({
              account: hex64,
              role,
              created_at: instant,
              suspended_at: v.optional(instant),
              identities: v.array(v.strictObject(linked)),
              rights: v.array(v.string()),
            }),
          ),
          next: v.optional(hex64),
        }),
      },
    },
    errors: ["ERR_REQUEST_MALFORMED"],
  },
  {
    route: "POST /v1/accounts/invites",
    summary: "Make an invite, good once. For operators; its code is shown here only.",
    caller: "fresh",
    json: inviteBody,
    answers: { 201: { means: "The invite.", schema: v.strictObject({ ...invite, code: secret }) } },
    errors: ["ERR_AUTH_SIGN_UP"],
  },
  {
    route: "GET /v1/accounts/invites",
    summary: "Invites that are still good. For operators.",
    caller: "person",
    answers: { 200: { means: "The invites.", schema: v.strictObject({ invites: v.array(v.strictObject(invite)) }) } },
  },
  {
    route: "DELETE /v1/accounts/invites/:id",
    summary: "End an invite. For operators.",
    caller: "person",
    answers: { 204: { means: "It is ended." } },
    errors: ["ERR_REQUEST_NOT_FOUND"],
  },
  {
    route: "POST /v1/accounts/:account/suspend",
    summary: "Keep an account and its agents from doing anything. For operators.",
    caller: "fresh",
    answers: { 204: { means: "It is suspended." } },
    errors: ["ERR_REQUEST_NOT_FOUND", "ERR_AUTH_LAST_OPERATOR", ...logErrors],
  },
  {
    route: "POST /v1/accounts/:account/resume",
    summary: "Let a suspended account go on. For operators.",
    caller: "fresh",
    answers: { 204: { means: "It goes on." } },
    errors: ["ERR_REQUEST_NOT_FOUND", ...logErrors],
  },
  {
    route: "POST /v1/accounts/:account/recovery",
    summary: "Make the account's recovery code, good once and for 24 hours. For operators.",
    caller: "fresh",
    answers: {
      201: { means: "The code.", schema: v.strictObject({ code: secret, expires_at: instant }) },
    },
    errors: ["ERR_REQUEST_NOT_FOUND", ...pluginErrors],
  },
  {
    route: "GET /v1/rights",
    summary: "Rights and ceilings in force. For operators.",
    caller: "person",
    answers: {
      200: {
        means: "What is in force.",
        schema: v.strictObject({
          policy: hex64,
          rights: v.array(v.strictObject({ ...row, who: v.looseObject({}) })),
          ceilings: v.array(v.strictObject(row)),
        }),
      },
    },
  },
];
