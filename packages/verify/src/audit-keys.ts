import { formatVkey, parseNote, parseVkey } from "@agentkeys/log";
import { verifyBy, type VerifiedHead } from "./head.ts";
import { invalid } from "./invalid.ts";
import type { LogRecords } from "./log-records.ts";
import { keysOf } from "./trust-epochs.ts";
import type { TrustPolicy } from "./trust-policy.ts";

/**
 * Holds the keys that a log recorded (type 41) to those of the trust files, and its head to its newest key: of the keys that signed
 * the head at most one was never rotated in, the one that the log started with; the trust files have them in the log's order; and
 * the newest key signed, so that an old one that was stolen signs no new head. Throws ERR_AUDIT_PROOF.
 */
export async function checkKeys(head: VerifiedHead, { rotations }: LogRecords, trust: TrustPolicy): Promise<void> {
  const recorded = rotations.map(({ vkey }) => vkey);
  const place = (key: { name: string; algorithm: 1 | 4; publicKey: Uint8Array }) =>
    recorded.indexOf(formatVkey(key.name, key.algorithm, key.publicKey));
  if (head.keys.filter((key) => place(key) < 0).length > 1) {
    throw invalid("two keys signed the head that the log never rotated in");
  }
  const places = keysOf(trust, head.origin).map(place);
  const inLog = places.filter((at) => at >= 0);
  if (inLog.some((at, before) => at < (inLog[before - 1] ?? 0))) {
    throw invalid("your trust files have the log's keys in another order than the log");
  }
  const newest = rotations.at(-1);
  // The head that ends with the rotation itself may still be signed by the key before alone.
  if (newest === undefined || newest.index === head.size - 1) return;
  if ((await verifyBy(parseNote(head.note), parseVkey(newest.vkey))) === undefined) {
    throw invalid(`the key that entry ${newest.index} rotated in did not sign the head`);
  }
}

/** The keys that a log rotated in and that the trust files do not have yet. */
export function findNewKeys({ rotations }: LogRecords, origin: string, trust: TrustPolicy): string[] {
  const trusted = new Set(keysOf(trust, origin).map((key) => formatVkey(key.name, key.algorithm, key.publicKey)));
  return rotations.map(({ vkey }) => vkey).filter((vkey) => !trusted.has(vkey));
}
