import {
  equalBytes,
  parseCheckpoint,
  parseNote,
  verifyLine,
  type Checkpoint,
  type Note,
  type NoteKey,
} from "@agentkeys/log";
import { invalid } from "./invalid.ts";
import { keysOf } from "./trust-epochs.ts";
import { isQuorumMet, type TrustPolicy } from "./trust-policy.ts";
import type { CountedWitness } from "./verdict.ts";

/** A head that a log of the policy signed, with its cosignatures by witnesses of the policy. */
export interface VerifiedHead extends Checkpoint {
  /** The whole note, verbatim. */
  readonly note: string;
  /** The checkpoint text that was signed. */
  readonly text: string;
  /** The log's keys that signed, as the policy has them. */
  readonly keys: readonly NoteKey[];
  readonly witnesses: readonly CountedWitness[];
  readonly quorumMet: boolean;
}

/**
 * Verifies a signed head under a policy. Throws ERR_AUDIT_PROOF when it is malformed, when no log of the policy signed it, and when
 * a line under the name and id of a key of the policy is false.
 */
export async function verifyHead(note: string, trust: TrustPolicy): Promise<VerifiedHead> {
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  const keys: NoteKey[] = [];
  for (const key of keysOf(trust, checkpoint.origin)) {
    if ((await verifyBy(parsed, key)) !== undefined) keys.push(key);
  }
  if (keys.length === 0) throw invalid("no log of the policy signed this head");
  const witnesses: CountedWitness[] = [];
  for (const { name, key } of trust.witnesses) {
    const verified = await verifyBy(parsed, key);
    if (verified !== undefined) witnesses.push({ name, timestamp: verified.timestamp });
  }
  const quorumMet = isQuorumMet(trust, new Set(witnesses.map(({ name }) => name)));
  return { ...checkpoint, note, text: parsed.text, keys, witnesses, quorumMet };
}

/** The statement of a key: undefined when the note bears none; a false line under its name and id is an error. */
export async function verifyBy(note: Note, key: NoteKey): Promise<{ timestamp: number } | undefined> {
  let found: { timestamp: number } | undefined;
  for (const { name, id, line } of note.signatures) {
    if (name !== key.name || !equalBytes(id, key.id)) continue;
    const verified = await verifyLine(note.text, line, key);
    if (verified === undefined) throw invalid(`the signature of ${key.name} is false`);
    found ??= { timestamp: verified.timestamp ?? 0 };
  }
  return found;
}
