import * as v from "valibot";
import { deviceBody, tokenBody, tokenOnly } from "../routes/oauth.ts";
import { pollBody } from "../routes/auth.ts";
import { logErrors, pluginErrors, proofErrors, type RouteDescription } from "./description.ts";
import { challenge, count, secret, sessionTokens } from "./schemas.ts";

const start = v.looseObject({
  claim_code: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
  client_name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
});
const finish = v.looseObject({ challenge_id: v.pipe(v.string(), v.minLength(1), v.maxLength(256)) });
const accountErrors = [
  "ERR_AUTH_CLAIM_CODE",
  "ERR_AUTH_INVITE",
  "ERR_AUTH_SIGN_UP",
  "ERR_AUTH_SUSPENDED",
  "ERR_AUTH_IDENTITY",
] as const;

/** Signing in, and the tokens of people and agents. */
export const signInRoutes: readonly RouteDescription[] = [
  {
    route: "POST /v1/auth/:method/start",
    summary: "Start a sign-in. An out-of-band method needs a DPoP proof, and answers what to poll with and to show.",
    caller: "any",
    json: start,
    answers: { 200: { means: "The challenge; other members are the method's own.", schema: challenge } },
    errors: [...proofErrors, ...accountErrors, "ERR_SESSION_DPOP", "ERR_SESSION_NONCE"],
  },
  {
    route: "POST /v1/auth/:method/finish",
    summary: "Finish an in-band sign-in; the session is bound to the key of the proof.",
    caller: "key",
    json: finish,
    answers: { 200: { means: "The session.", schema: sessionTokens } },
    errors: [...proofErrors, ...accountErrors],
  },
  {
    route: "POST /v1/auth/poll",
    summary: "Ask whether an out-of-band sign-in is done, with the key that started it.",
    caller: "key",
    json: pollBody,
    answers: {
      200: { means: "The session, once.", schema: sessionTokens },
      202: { means: "Not yet.", schema: v.strictObject({ status: v.literal("pending"), interval: count }) },
    },
    errors: [...proofErrors, ...accountErrors],
  },
  {
    route: "POST /oauth/device_authorization",
    summary: "Start a pairing (RFC 8628), bound to the key of the proof.",
    caller: "key",
    form: deviceBody,
    answers: {
      200: {
        means: "What to poll with, and what to show to the person.",
        schema: v.strictObject({
          device_code: secret,
          user_code: v.string(),
          verification_uri: v.pipe(v.string(), v.url()),
          expires_in: count,
          interval: count,
        }),
      },
    },
    errors: ["ERR_SESSION_CLIENT"],
  },
  {
    route: "POST /oauth/token",
    summary: "Poll a pairing, or refresh a session of a person or an agent.",
    caller: "key",
    form: tokenBody,
    answers: { 200: { means: "The session.", schema: sessionTokens } },
    errors: [
      ...logErrors,
      "ERR_AUTH_SUSPENDED",
      "ERR_SESSION_CLIENT",
      "ERR_SESSION_GRANT",
      "ERR_SESSION_GRANT_TYPE",
      "ERR_SESSION_PENDING",
      "ERR_SESSION_SLOW_DOWN",
      "ERR_SESSION_DENIED",
      "ERR_SESSION_EXPIRED",
    ],
  },
  {
    route: "POST /oauth/revoke",
    summary: "End the session of a token that is bound to the key of the proof (RFC 7009).",
    caller: "key",
    form: tokenOnly,
    answers: { 200: { means: "It is ended, or was no session of that key." } },
    errors: ["ERR_REQUEST_NOT_FOUND", ...logErrors],
  },
  {
    route: "POST /oauth/introspect",
    summary: "Say what a token that is bound to the key of the proof stands for (RFC 7662).",
    caller: "key",
    form: tokenOnly,
    answers: {
      200: {
        means: "The token's facts, or that it is not active.",
        schema: v.strictObject({
          active: v.boolean(),
          sub: v.optional(v.string()),
          client_id: v.optional(v.string()),
          token_type: v.optional(v.literal("DPoP")),
          cnf: v.optional(v.strictObject({ jkt: v.string() })),
          exp: v.optional(count),
          iat: v.optional(count),
        }),
      },
    },
  },
  {
    route: "GET /auth/:method/:page",
    summary: "A page of an out-of-band sign-in method.",
    caller: "browser",
    answers: {
      200: { means: "The page.", type: "text/html" },
      303: { means: "On to the far side of the method." },
    },
    errors: [
      ...pluginErrors,
      "ERR_AUTH_METHOD",
      "ERR_AUTH_UNAVAILABLE",
      "ERR_REQUEST_NOT_FOUND",
      "ERR_REQUEST_MALFORMED",
    ],
  },
  {
    route: "POST /auth/:method/:page",
    summary: "A form of such a page, from the broker's own origin.",
    caller: "browser",
    form: v.record(v.string(), v.string()),
    answers: {
      200: { means: "The next page.", type: "text/html" },
      303: { means: "On to the far side of the method." },
    },
    errors: [...proofErrors, "ERR_REQUEST_NOT_FOUND", "ERR_REQUEST_ORIGIN"],
  },
];
