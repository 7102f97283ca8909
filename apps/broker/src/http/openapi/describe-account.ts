import * as v from "valibot";
import { approveBody, codeBody } from "../routes/pairings.ts";
import { logErrors, pluginErrors, type RouteDescription } from "./description.ts";
import { agent, anyObject, challenge, hex64, instant, wallet } from "./schemas.ts";

const walletErrors = [
  ...pluginErrors,
  "ERR_WALLET_BOUND",
  "ERR_WALLET_CHALLENGE",
  "ERR_WALLET_PROOF",
  "ERR_WALLET_UNSUPPORTED",
  "ERR_AUDIT_UNAVAILABLE",
] as const;

/** A person's own account, and deciding about agents. */
export const accountRoutes: readonly RouteDescription[] = [
  {
    route: "GET /v1/account",
    summary: "The caller's account.",
    caller: "person",
    answers: {
      200: {
        means: "The account.",
        schema: v.strictObject({
          account: hex64,
          role: v.picklist(["operator", "member"]),
          identities: v.array(v.strictObject({ type: v.string(), value: v.string(), linked_at: instant })),
          created_at: instant,
        }),
      },
    },
    errors: ["ERR_REQUEST_NOT_FOUND"],
  },
  {
    route: "GET /v1/sessions",
    summary: "The account's live sessions.",
    caller: "person",
    answers: {
      200: {
        means: "The sessions.",
        schema: v.strictObject({
          sessions: v.array(
            v.strictObject({
              id: v.string(),
              created_at: instant,
              expires_at: instant,
              amr: v.array(v.string()),
              current: v.boolean(),
            }),
          ),
        }),
      },
    },
  },
  {
    route: "DELETE /v1/sessions",
    summary: "End all sessions of the account, this one too.",
    caller: "person",
    answers: { 204: { means: "They are ended." } },
    errors: ["ERR_REQUEST_NOT_FOUND", ...logErrors],
  },
  {
    route: "DELETE /v1/sessions/:id",
    summary: "End one session.",
    caller: "person",
    answers: { 204: { means: "It is ended." } },
    errors: ["ERR_REQUEST_NOT_FOUND", ...logErrors],
  },
  {
    route: "POST /v1/wallets/start",
    summary: "Start binding a wallet.",
    caller: "fresh",
    json: anyObject,
    answers: { 200: { means: "What the wallet signs.", schema: challenge } },
    errors: walletErrors,
  },
  {
    route: "POST /v1/wallets/finish",
    summary: "Bind a wallet by its signature.",
    caller: "fresh",
    json: anyObject,
    answers: { 200: { means: "The wallet.", schema: wallet } },
    errors: walletErrors,
  },
  {
    route: "GET /v1/wallets",
    summary: "The account's wallets.",
    caller: "person",
    answers: { 200: { means: "The wallets.", schema: v.strictObject({ wallets: v.array(wallet) }) } },
    errors: pluginErrors,
  },
  {
    route: "POST /v1/pairings/view",
    summary: "See who asks to be paired under a code.",
    caller: "fresh",
    json: codeBody,
    answers: {
      200: {
        means: "Who asks.",
        schema: v.strictObject({
          client_id: v.string(),
          client_name: v.string(),
          key_thumbprint: v.string(),
          address: v.string(),
          requested_at: instant,
          expires_at: instant,
        }),
      },
    },
    errors: ["ERR_GRANT_USER_CODE"],
  },
  {
    route: "POST /v1/pairings/approve",
    summary: "Make it an agent of the account, without any grant.",
    caller: "fresh",
    json: approveBody,
    answers: { 201: { means: "The agent.", schema: agent } },
    errors: ["ERR_GRANT_USER_CODE", ...logErrors],
  },
  {
    route: "POST /v1/pairings/deny",
    summary: "Refuse it.",
    caller: "fresh",
    json: codeBody,
    answers: { 204: { means: "It is refused." } },
    errors: ["ERR_GRANT_USER_CODE"],
  },
  {
    route: "GET /v1/agents",
    summary: "The account's agents, revoked ones too.",
    caller: "person",
    answers: { 200: { means: "The agents.", schema: v.strictObject({ agents: v.array(agent) }) } },
  },
  {
    route: "DELETE /v1/agents/:id",
    summary: "End an agent, its sessions and every use of its grants.",
    caller: "person",
    answers: { 204: { means: "It is ended." } },
    errors: ["ERR_GRANT_NOT_FOUND", ...logErrors],
  },
];
