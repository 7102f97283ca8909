import { equalBytes, fromBase64, isConsistency, toBase64, type HashPath } from "@agentkeys/log";
import { invalid } from "./invalid.ts";
import { verifyHead, type VerifiedHead } from "./head.ts";
import type { Prefix } from "./prefix.ts";
import type { TrustPolicy } from "./trust-policy.ts";

/**
 * That a log signed two heads of which neither can be an append to the other; anyone who knows the log's key can check it, offline.
 * Of two heads of one size the notes are enough. Of two sizes the path shows what root the larger tree had at the smaller size.
 */
export interface ForkProof {
  /** Both signed heads, verbatim, the smaller one first. */
  readonly notes: readonly [string, string];
  /** Root that the larger tree has at the smaller size, and its RFC 6962 consistency path; of two heads of one size neither. */
  readonly prefix?: { readonly root: Uint8Array; readonly path: HashPath };
}

const type = "https://agentkeys.dev/fork-proof/v1";
const longest = 1_048_576;

/** The proof that two heads fork, where `prefix` is what the larger one's tree was at the size of the smaller one. */
export function makeForkProof(smaller: VerifiedHead, larger: VerifiedHead, prefix?: Prefix): ForkProof {
  const notes = [smaller.note, larger.note] as const;
  return prefix === undefined || smaller.size === larger.size
    ? { notes }
    : { notes, prefix: { root: prefix.root, path: prefix.path } };
}

/** JSON text of a proof: `{type, notes: [a, b], prefix?: {root, path}}`, hashes in padded base64. */
export function formatForkProof({ notes, prefix }: ForkProof): string {
  const written =
    prefix === undefined ? {} : { prefix: { root: toBase64(prefix.root), path: prefix.path.map(toBase64) } };
  return `${JSON.stringify({ type, notes, ...written }, null, 2)}\n`;
}

/** The proof of JSON text, in its one form; nothing is verified. Throws ERR_AUDIT_PROOF. */
export function parseForkProof(text: string): ForkProof {
  const { type: found, notes, prefix, ...more } = parseObject(text);
  const [one, other, ...others] = Array.isArray(notes) ? (notes as readonly unknown[]) : [];
  if (
    found !== type ||
    typeof one !== "string" ||
    typeof other !== "string" ||
    others.length + Object.keys(more).length > 0
  ) {
    throw invalid("it is not a fork proof of this form");
  }
  if (prefix === undefined) return { notes: [one, other] };
  const { root, path, ...rest } = (prefix ?? {}) as Record<string, unknown>;
  if (!Array.isArray(path) || path.length > 64 || Object.keys(rest).length > 0)
    throw invalid("its prefix is not of its form");
  return { notes: [one, other], prefix: { root: readHash(root), path: path.map(readHash) } };
}

/** The two heads of a proof that holds under a policy. Throws ERR_AUDIT_PROOF for one that does not. */
export async function verifyForkProof(
  proof: ForkProof,
  trust: TrustPolicy,
): Promise<readonly [VerifiedHead, VerifiedHead]> {
  const { notes, prefix } = proof;
  const [smaller, larger] = [await verifyHead(notes[0], trust), await verifyHead(notes[1], trust)];
  if (smaller.origin !== larger.origin || smaller.size > larger.size) throw invalid("its heads are not two of one log");
  const root = prefix?.root ?? larger.root;
  const holds =
    prefix === undefined
      ? smaller.size === larger.size
      : isConsistency(smaller.size, larger.size, root, larger.root, prefix.path);
  if (!holds) throw invalid("its path does not lead to the larger head");
  if (equalBytes(root, smaller.root)) throw invalid("its heads are of one and the same log: there is no fork");
  return [smaller, larger];
}

function readHash(value: unknown): Uint8Array {
  const hash = fromBase64(String(value));
  if (hash.length !== 32) throw invalid("a hash is not 32 bytes");
  return hash;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = text.length > longest ? undefined : JSON.parse(text);
  } catch (error) {
    throw invalid("it is not JSON", error);
  }
  if (typeof value !== "object" || value === null) throw invalid("it is not a JSON object");
  return value as Record<string, unknown>;
}
