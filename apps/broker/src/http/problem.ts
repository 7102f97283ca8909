import { AgentKeysError, describeError, isAgentKeysError, type Json } from "@agentkeys/core";

/** A problem document (RFC 9457) with what a person or an agent does next. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly retry: "now" | "later" | "never";
  readonly next_step: string;
  readonly retry_after?: number;
  /** Under this id what was asked for waits for the agent's owner. */
  readonly proposal?: string;
  readonly facts?: Json;
  readonly error?: string;
  readonly error_description?: string;
}

/** An error as the caller may see it: one that is not public shows its code, meaning and next step, nothing else. */
export function toProblem(error: unknown, requestId: string, isOauth: boolean): Problem {
  const known = isAgentKeysError(error) ? error : new AgentKeysError("ERR_INTERNAL", "unexpected", {});
  const row = describeError(known.code);
  if (row === undefined) return toProblem(new AgentKeysError("ERR_INTERNAL", "unknown code", {}), requestId, isOauth);
  const detail = row.public ? known.message : row.meaning;
  const retryAfter = isAgentKeysError(known, "ERR_REQUEST_RATE_LIMITED") ? known.facts.retryAfter : undefined;
  const proposal = "proposal" in known.facts ? known.facts.proposal : undefined;
  return {
    type: `urn:agentkeys:error:${known.code}`,
    title: row.meaning,
    status: isOauth && row.status === 401 && row.oauth !== "invalid_client" ? 400 : row.status,
    detail,
    code: known.code,
    request_id: requestId,
    retry: row.retry,
    next_step: row.next,
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    ...(proposal === undefined ? {} : { proposal }),
    ...(row.public && Object.keys(known.facts).length > 0 ? { facts: toSnakeCase(known.facts) } : {}),
    ...(isOauth
      ? {
          error: row.oauth ?? (row.status < 500 ? "invalid_request" : "server_error"),
          error_description: asciiOf(detail),
        }
      : {}),
  };
}

/** RFC 6749 section 5.2 allows only these characters in an error_description. */
function asciiOf(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/gu, "?");
}

function toSnakeCase(facts: Readonly<Record<string, Json>>): Json {
  return Object.fromEntries(
    Object.entries(facts).map(([key, item]) => [
      key.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`),
      item,
    ]),
  );
}

/** The challenge of a 401 (RFC 9449 section 7.1, RFC 9470 section 3). */
export function authenticateHeader(error: unknown): string {
  if (isAgentKeysError(error, "ERR_AUDIT_AUDITOR")) return 'Bearer realm="audit", error="invalid_token"';
  const code = isAgentKeysError(error) ? error.code : "ERR_SESSION_TOKEN";
  const name = describeError(code)?.oauth;
  const maxAge = isAgentKeysError(error, "ERR_SESSION_NOT_FRESH") ? `, max_age=${error.facts.maxAge}` : "";
  return `DPoP algs="ES256 EdDSA"${name === undefined ? "" : `, error="${name}"`}${maxAge}`;
}
