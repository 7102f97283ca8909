import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import { parseVkey, type NoteKey, type ReceiptTrust } from "@agentkeys/log";

/** Whose word a receipt needs, as C2SP vkeys: pinned at pairing or given, never fetched to accept a receipt. */
export interface Trust {
  /** The log's key. */
  readonly log: string;
  /** Keys of witnesses whose cosignatures count. */
  readonly witnesses: readonly string[];
}

/** The keys of a trust. Throws ERR_CONFIG_PROFILE for text that is no vkey of its kind. */
export function parseTrust(trust: Trust): ReceiptTrust {
  return { log: parseKey(trust.log, 1), witnesses: trust.witnesses.map((vkey) => parseKey(vkey, 4)) };
}

function parseKey(vkey: string, algorithm: NoteKey["algorithm"]): NoteKey {
  try {
    const key = parseVkey(vkey);
    if (key.algorithm === algorithm) return key;
  } catch (error) {
    if (!isAgentKeysError(error, "ERR_AUDIT_PROOF")) throw error;
  }
  const reason = `${JSON.stringify(vkey)} is not the vkey of a ${algorithm === 1 ? "log" : "witness"}`;
  throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
}
