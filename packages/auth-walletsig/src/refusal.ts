import { AgentKeysError } from "@agentkeys/core";

/** The request is not of the documented form. */
export function malformed(issues: readonly string[]): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}

/** Unknown, used and expired look alike. */
export function noChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
}

/** The signature or what was signed is not the right one. */
export function wrongProof(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_PROOF", reason, { reason });
}

/** It cannot be told now. `method` is the name of the section. */
export function unavailable(method: string, reason: string): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_UNAVAILABLE", reason, { method, reason });
}
