import { cosignatureLine, noteHash, RecordType, toHex } from "@agentkeys/log";
import {
  auditLog,
  parseTrustPolicy,
  type AuditOptions,
  type AuditVerdict,
  type LogReader,
  type TrustPolicy,
} from "../src/index.ts";
import { started, type MadeLog } from "./made-log.ts";
import { makeSigner } from "./support.ts";

export const origin = "keys.example.com/audit/h13c82dj/1";
export const second = "keys.example.com/audit/h13c82dj/2";
export const now = started + 3_600_000;
export const trustOf = (log: MadeLog): TrustPolicy => parseTrustPolicy(log.policy());

export async function audit(log: MadeLog, reader: LogReader = log.reader(), options: Partial<AuditOptions> = {}) {
  return auditLog(reader, options.since === undefined ? trustOf(log) : trustOf(log), {
    now,
    entries: true,
    ...options,
  });
}
export async function reasonOf(verdict: Promise<AuditVerdict>): Promise<string> {
  const found = await verdict;
  return "reason" in found ? `${found.level}: ${found.reason}` : found.level;
}
export const flip = (wanted: string, at: number) => (path: string, bytes: Uint8Array | undefined) =>
  path === wanted ? bytes?.map((byte, place) => (place === at ? byte ^ 1 : byte)) : bytes;

export const witness = makeSigner("witness.example/w1", 4);

/** A record that the witness has a head, with its cosignature. */
export function anchored(made: MadeLog, at: number, change: Record<string, unknown> = {}, size = at) {
  const text = made.text(Math.min(size, made.entries.length));
  const hash = toHex(noteHash(text));
  const cosignatures = [cosignatureLine(text, witness.key, 1_764_000_900, witness.sign)];
  const evidence = { anchor: "w1", cosignatures, finality: 4, note_hash: hash, proof: {}, size, ...change };
  const body = { anchor: "w1", size, note_hash: hash, evidence: JSON.stringify(evidence) };
  return { type: RecordType.anchorEvidence, outcome: 1, body };
}
