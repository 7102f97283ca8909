import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";

/** ERR_AUDIT_PROOF: a log, a head or a proof that does not hold. */
export function invalid(reason: string, cause?: unknown): AgentKeysError<"ERR_AUDIT_PROOF"> {
  return new AgentKeysError("ERR_AUDIT_PROOF", reason, { reason }, { cause });
}

/** Why something does not hold, where that is what the error says; undefined for any other error. */
export function reasonOf(error: unknown): string | undefined {
  const known =
    isAgentKeysError(error, "ERR_AUDIT_PROOF") ||
    isAgentKeysError(error, "ERR_AUDIT_RECORD") ||
    isAgentKeysError(error, "ERR_AUDIT_RECEIPT");
  return known ? error.facts.reason : undefined;
}
