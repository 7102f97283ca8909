import { AgentKeysError } from "@agentkeys/core";

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
