import type { Evidence, VerifyOffline } from "@agentkeys/core";
import { formatCheckpoint, logId, noteHash, toBase64, toHex, type Checkpoint } from "@agentkeys/log";
import type { TrustEpoch } from "./trust-epochs.ts";

/** `verifyOffline` of the packages that the trust files name, by package. */
export type Verifiers = ReadonlyMap<string, VerifyOffline>;

/**
 * Whether an anchor's evidence of a head holds: undefined where the trust files name no verifier for this anchor in this epoch, or it
 * is not at hand. Only verifiers of the trust files are asked, never code that a receipt or a log names. A verifier that throws says no.
 *
 * `note` is the signed head where it is there; without it a verifier gets the checkpoint with the evidence's own lines.
 */
export async function verifyEvidence(
  head: Checkpoint,
  evidence: Evidence,
  epoch: TrustEpoch | undefined,
  verifiers: Verifiers | undefined,
  note?: string,
): Promise<boolean | undefined> {
  const anchor = epoch?.anchors.get(evidence.anchor);
  const verifyOffline = anchor === undefined ? undefined : verifiers?.get(anchor.package);
  if (anchor === undefined || verifyOffline === undefined) return undefined;
  const text = formatCheckpoint(head);
  if (evidence.size !== head.size || evidence.note_hash !== toHex(noteHash(text))) return false;
  const { origin, size, root } = head;
  const treeHead = {
    origin,
    logId: toHex(logId(origin)),
    size,
    root: toBase64(root),
    note: note ?? `${text}\n${(evidence.cosignatures ?? []).join("")}`,
  };
  try {
    const holds: unknown = await verifyOffline(treeHead, evidence, anchor.ids);
    return holds === true;
  } catch {
    return false;
  }
}

/** Evidence of JSON text, undefined of anything that has not its form. */
export function readEvidence(text: string): Evidence | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const {
    anchor,
    size,
    note_hash: hash,
    finality,
    cosignatures = [],
    proof,
  } = (value ?? {}) as Record<string, unknown>;
  const isLines = Array.isArray(cosignatures) && cosignatures.every((line) => typeof line === "string");
  const isForm =
    typeof anchor === "string" && Number.isSafeInteger(size) && typeof hash === "string" && proof !== undefined;
  return isForm && isLines && [0, 1, 2, 3, 4].includes(finality as number) ? (value as Evidence) : undefined;
}
