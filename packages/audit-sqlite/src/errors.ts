import { AgentKeysError, describeError, isAgentKeysError, type ErrorCode, type ErrorFacts } from "@agentkeys/core";

/** ERR_AUDIT_STORAGE: nothing more is acknowledged, and the process has to end. */
export function storageError(reason: string, cause?: unknown): AgentKeysError {
  return new AgentKeysError("ERR_AUDIT_STORAGE", `the audit log's storage failed: ${reason}`, { reason }, { cause });
}

/** ERR_STORAGE_NEWER: tables that this version does not know. */
export function newerError(path: string, found: number, known: number): AgentKeysError {
  const writer = `a newer @agentkeys/audit-sqlite, with tables of version ${found}`;
  return new AgentKeysError("ERR_STORAGE_NEWER", `${path} was written by ${writer}; this one knows ${known}`, {
    path,
    writer,
  });
}

/** ERR_AUDIT_UNAVAILABLE: this call gets no answer. */
export function unavailableError(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_AUDIT_UNAVAILABLE", `the audit log cannot answer: ${reason}`, { reason });
}

/** ERR_AUDIT_PROOF: a proof was asked that this log cannot give. */
export function proofError(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_AUDIT_PROOF", `no such proof: ${reason}`, { reason });
}

/** ERR_AUDIT_RECORD: an event that cannot be recorded. */
export function recordError(reason: string, cause?: unknown): AgentKeysError {
  return new AgentKeysError("ERR_AUDIT_RECORD", `not a canonical audit record: ${reason}`, { reason }, { cause });
}

/** An error as it travels between the threads, where it loses its class. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: ErrorFacts<ErrorCode>;
}

/** For the way to the other thread. */
export function toPlain({ code, message, facts }: AgentKeysError): PlainError {
  return { code, message, facts };
}

/** An error of the other thread in its class again. One that never had it (SQLite's, the file system's) is of the storage. */
export function fromPlain(error: PlainError | Error): AgentKeysError {
  if (isAgentKeysError(error)) return error;
  const { code, message, facts } = error as PlainError;
  const isOurs = describeError(code ?? "") !== undefined;
  return isOurs ? new AgentKeysError(code, message, facts) : storageError(`${code ?? "unexpected"}: ${message}`, error);
}
