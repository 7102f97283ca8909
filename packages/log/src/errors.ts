import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";

/** ERR_AUDIT_RECORD: bytes or fields that are no canonical audit record. */
export function recordError(reason: string, cause?: unknown): AgentKeysError<"ERR_AUDIT_RECORD"> {
  return new AgentKeysError("ERR_AUDIT_RECORD", `not a canonical audit record: ${reason}`, { reason }, { cause });
}

/** ERR_AUDIT_PROOF: text or hashes that are no well-formed head, note or proof. */
export function proofError(reason: string): AgentKeysError<"ERR_AUDIT_PROOF"> {
  return new AgentKeysError("ERR_AUDIT_PROOF", `not a well-formed head, note or proof: ${reason}`, { reason });
}

/** ERR_AUDIT_RECEIPT: a receipt that does not prove what it should. */
export function receiptError(reason: string, cause?: unknown): AgentKeysError<"ERR_AUDIT_RECEIPT"> {
  return new AgentKeysError("ERR_AUDIT_RECEIPT", `the receipt does not hold: ${reason}`, { reason }, { cause });
}

/** Does what may throw ERR_AUDIT_RECORD or ERR_AUDIT_PROOF, as a part of reading a receipt: throws ERR_AUDIT_RECEIPT for them. */
export function inReceipt<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const known = isAgentKeysError(error, "ERR_AUDIT_RECORD") || isAgentKeysError(error, "ERR_AUDIT_PROOF");
    throw known ? receiptError(error.facts.reason, error) : error;
  }
}
