import type { ErrorCode } from "@agentkeys/core";
import type * as v from "valibot";

/** Who may call a route; it says which credentials are sent and which refusals follow from that. */
export type Caller = "any" | "browser" | "key" | "person" | "fresh" | "agent" | "session" | "auditor";

/** One answer that is no error: its body by schema, media type (JSON unless it says otherwise) and what it means. */
export interface AnswerDescription {
  readonly means: string;
  readonly schema?: v.GenericSchema;
  readonly type?: string;
}

/** What `/openapi.json` says of one route. */
export interface RouteDescription {
  /** Method and path as the route is registered, such as `DELETE /v1/grants/:id`. */
  readonly route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
  /** What it does, in one line. */
  readonly summary: string;
  readonly caller: Caller;
  /** The very schema the route parses its JSON body, or its form, with. */
  readonly json?: v.GenericSchema;
  readonly form?: v.GenericSchema;
  /** Query parameters, each optional. */
  readonly query?: Readonly<Record<string, v.GenericSchema>>;
  /** Request headers that are needed. */
  readonly headers?: Readonly<Record<string, v.GenericSchema>>;
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Codes of its own, besides those that its caller and body bring. */
  readonly errors?: readonly ErrorCode[];
}

/** What every route may answer. */
export const commonErrors: readonly ErrorCode[] = [
  "ERR_REQUEST_HOST",
  "ERR_REQUEST_URL_TOO_LONG",
  "ERR_REQUEST_HEADERS",
  "ERR_REQUEST_BODY_TOO_LARGE",
  "ERR_REQUEST_OVERLOADED",
  "ERR_REQUEST_SHUTTING_DOWN",
  "ERR_REQUEST_TIMEOUT",
  "ERR_REQUEST_RATE_LIMITED",
  "ERR_INTERNAL",
];

/** What a route that reads a body may answer. */
export const bodyErrors: readonly ErrorCode[] = ["ERR_REQUEST_MALFORMED", "ERR_REQUEST_MEDIA_TYPE"];

const proof: readonly ErrorCode[] = ["ERR_SESSION_DPOP", "ERR_SESSION_NONCE"];
const session: readonly ErrorCode[] = [...proof, "ERR_SESSION_TOKEN", "ERR_AUTH_SUSPENDED"];

/** What follows from who calls. */
export const callerErrors: Readonly<Record<Caller, readonly ErrorCode[]>> = {
  any: [],
  browser: [],
  key: proof,
  session,
  person: [...session, "ERR_SESSION_CALLER"],
  fresh: [...session, "ERR_SESSION_CALLER", "ERR_SESSION_NOT_FRESH"],
  agent: [...session, "ERR_SESSION_CALLER"],
  auditor: ["ERR_AUDIT_AUDITOR"],
};

/** What a route may answer that asks a plug-in. */
export const pluginErrors: readonly ErrorCode[] = ["ERR_PLUGIN_CONTRACT", "ERR_PLUGIN_FAILED", "ERR_PLUGIN_TIMEOUT"];

/** What a route may answer that needs the audit log, now or by way of what waits for it. */
export const logErrors: readonly ErrorCode[] = [...pluginErrors, "ERR_AUDIT_UNAVAILABLE", "ERR_AUDIT_STORAGE"];

/** What a route may answer that starts or takes the proof of an identity. */
export const proofErrors: readonly ErrorCode[] = [
  ...logErrors,
  "ERR_AUTH_METHOD",
  "ERR_AUTH_CHALLENGE",
  "ERR_AUTH_PROOF",
  "ERR_AUTH_UNAVAILABLE",
];
