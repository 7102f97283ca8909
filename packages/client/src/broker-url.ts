import { AgentKeysError } from "@agentkeys/core";

/**
 * A broker's address as everything compares it: without a final slash, query or fragment. Plain http only to this machine
 * itself, because credentials travel in the answers. Throws ERR_REQUEST_MALFORMED.
 *
 * @example parseBrokerUrl("https://keys.example/") // "https://keys.example"
 */
export function parseBrokerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw refuse(`${JSON.stringify(text)} is not an http or https URL`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw refuse("a broker's address has no user, query or fragment");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw refuse(`${url.host} is another machine: use https`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/u, "")}`;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/u.test(hostname);
}

function refuse(issue: string): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issue, { issues: [issue] });
}
