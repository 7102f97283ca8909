import { parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { isOpened, type Opening } from "./commitment.ts";
import { equalBytes } from "./encoding.ts";
import { inReceipt, receiptError } from "./errors.ts";
import { isBy, parseNote, verifyLine, type Note, type NoteKey } from "./note.ts";
import type { Receipt } from "./receipt.ts";
import { FieldKey, Outcome, RecordType } from "./record-fields.ts";
import { decodeRecord, type AuditRecord } from "./record.ts";
import { parseTlogProof } from "./tlog-proof.ts";
import { rootFromInclusion } from "./tree-proof.ts";
import { leafHash } from "./tree.ts";

/** The keys a verifier trusts, from its own configuration and never from the receipt. */
export interface ReceiptTrust {
  /** The log's key, algorithm 1; its name is the log's origin. */
  readonly log: NoteKey;
  /** Keys of known witnesses, algorithm 4; others count for nothing. */
  readonly witnesses?: readonly NoteKey[];
}

/** What the holder of a credential knows of it, without the receipt. */
export interface Holder {
  readonly agent: string;
  /** Canonical text of the scope that was asked. */
  readonly scope: string;
  /** The credential's public id (jti, AccessKeyId). */
  readonly credential: string;
  /** Unix seconds of the credential in hand; undefined where it has no start. */
  readonly validity: readonly [number | undefined, number];
}

/** A witness's statement that this head is an append to every earlier head it saw of the log. */
export interface Cosignature {
  /** Name in the witness's key. */
  readonly witness: string;
  readonly key: NoteKey;
  /** Unix seconds, by the witness's clock. */
  readonly timestamp: number;
}

/** What a receipt proves. */
export interface VerifiedReceipt {
  readonly record: AuditRecord;
  readonly index: number;
  readonly checkpoint: Checkpoint;
  /** Openings that open the record's commitments: all that the receipt has. */
  readonly openings: readonly Opening[];
  readonly cosignatures: readonly Cosignature[];
}

/**
 * Verifies a receipt offline: canonical entry, signature of the log, inclusion, cosignatures of known witnesses, openings; with
 * `holder`, also that the record is of this very credential. Throws ERR_AUDIT_RECEIPT. Evidence of anchors is not looked at.
 *
 * @example
 * const { record } = await verifyReceipt(parseReceipt(text), { log: parseVkey(pinned) }, holder);
 */
export async function verifyReceipt(receipt: Receipt, trust: ReceiptTrust, holder?: Holder): Promise<VerifiedReceipt> {
  const { log, witnesses = [] } = trust;
  const record = inReceipt(() => decodeRecord(receipt.entry));
  const { index, path, note: text } = inReceipt(() => parseTlogProof(receipt.tlogProof));
  const note = inReceipt(() => parseNote(text));
  const checkpoint = inReceipt(() => parseCheckpoint(note.text));
  if (log.algorithm !== 1 || checkpoint.origin !== log.name) throw receiptError("the head is of another log");
  const root = inReceipt(() => rootFromInclusion(index, checkpoint.size, leafHash(receipt.entry), path));
  if (!equalBytes(root, checkpoint.root)) throw receiptError("the entry is not under the head's root");
  const unopened = receipt.openings.find((opening) => !isOpened(record, opening));
  if (unopened !== undefined) throw receiptError(`the opening of field ${unopened.key} does not fit`);
  if (holder !== undefined) assertHolder(record, receipt.openings, holder);
  const [signed, ...cosigned] = await Promise.all([
    verifyKnown(note, log),
    ...witnesses.filter(({ algorithm }) => algorithm === 4).map((key) => verifyKnown(note, key)),
  ]);
  if (signed === undefined) throw receiptError("the head is not signed by the log");
  const cosignatures = cosigned.filter((cosignature) => cosignature !== undefined);
  return { record, index, checkpoint, openings: receipt.openings, cosignatures };
}

/** The statement of a known key: undefined when the note bears none; a line under its name and id that is false is an error. */
async function verifyKnown(note: Note, key: NoteKey): Promise<Cosignature | undefined> {
  let found: Cosignature | undefined;
  for (const signature of note.signatures.filter((candidate) => isBy(candidate, key))) {
    const verified = await verifyLine(note.text, signature.line, key);
    if (verified === undefined) throw receiptError(`the signature of ${key.name} is false`);
    found ??= { witness: key.name, key, timestamp: verified.timestamp ?? 0 };
  }
  return found;
}

function assertHolder(record: AuditRecord, openings: readonly Opening[], holder: Holder): void {
  const issued = record.type === RecordType.issued && record.outcome === Outcome.ok;
  if (!issued) throw receiptError("the record is not of an issued credential");
  for (const name of ["agent", "scope", "credential"] as const) {
    const opening = openings.find(({ key }) => key === FieldKey[name]);
    if (opening?.value !== holder[name]) throw receiptError(`the record is not of this ${name}, or does not open it`);
  }
  const [from, to] = holder.validity;
  if (record.validity?.[1] !== to || (from !== undefined && record.validity[0] !== from)) {
    throw receiptError("the record is not of this validity");
  }
}
