import type { Finality } from "@agentkeys/core";
import { FieldKey, toHex, type AuditRecord, type VerifiedReceipt } from "@agentkeys/log";

/** What a receipt is worth under a policy, and what it does not prove. */
export type Verdict = InvalidVerdict | ValidVerdict;

/** The receipt does not hold. */
export interface InvalidVerdict {
  readonly level: "INVALID";
  readonly reason: string;
  /** In plain words. */
  readonly notProven: readonly string[];
}

/**
 * The log signed a head over this record: SIGNED; WITNESSED when witnesses cosigned it and the policy's quorum is met; ANCHORED when
 * the evidence of an anchor of the trust files holds for it and is final.
 */
export interface ValidVerdict {
  readonly level: "SIGNED" | "WITNESSED" | "ANCHORED";
  /** The policy's witnesses that cosigned the head; each counts once. */
  readonly witnesses: readonly CountedWitness[];
  readonly quorumMet: boolean;
  /** Anchors of the trust files whose evidence holds for this head; each counts once. */
  readonly anchors: readonly CountedAnchor[];
  readonly facts: ReceiptFacts;
  /** In plain words. */
  readonly notProven: readonly string[];
}

/** A witness of the policy that cosigned. */
export interface CountedWitness {
  /** The policy's name for it. */
  readonly name: string;
  /** Unix seconds, by the witness's clock. */
  readonly timestamp: number;
}

/** An anchor whose evidence was verified. */
export interface CountedAnchor {
  /** Its name in the trust files and in evidence. */
  readonly name: string;
  readonly finality: Finality;
}

/** What the log has recorded, opened as far as the receipt opens it. */
export interface ReceiptFacts {
  readonly origin: string;
  /** Entries in the log at the receipt's head. */
  readonly size: number;
  readonly index: number;
  readonly record: AuditRecord;
  readonly opened: Readonly<Partial<Record<CommittedField, string>>>;
}

/** A field that stands in a record as a commitment. */
export type CommittedField = "account" | "agent" | "scope" | "grant" | "credential";

const committedFields: readonly CommittedField[] = ["account", "agent", "scope", "grant", "credential"];

/** The verdict on a receipt that does not hold. */
export function invalidVerdict(reason: string): InvalidVerdict {
  return { level: "INVALID", reason, notProven: ["Anything: a receipt that does not hold proves nothing."] };
}

/** The facts of a verified receipt; an account is shown in lower hex. */
export function readFacts({ record, index, checkpoint, openings }: VerifiedReceipt): ReceiptFacts {
  const opened: Partial<Record<CommittedField, string>> = {};
  for (const name of committedFields) {
    const value = openings.find(({ key }) => key === FieldKey[name])?.value;
    if (value !== undefined) opened[name] = typeof value === "string" ? value : toHex(value);
  }
  return { origin: checkpoint.origin, size: checkpoint.size, index, record, opened };
}

/** The committed fields that a record has and its receipt does not open. */
export function closedFields({ record, opened }: ReceiptFacts): CommittedField[] {
  return committedFields.filter((name) => record[name] !== undefined && opened[name] === undefined);
}
