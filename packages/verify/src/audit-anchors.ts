import { formatCheckpoint, noteHash, toHex } from "@agentkeys/log";
import type { AuditedAnchor } from "./audit-verdict.ts";
import { readEvidence, verifyEvidence, type Verifiers } from "./evidence.ts";
import { invalid } from "./invalid.ts";
import type { AnchoredHead } from "./log-records.ts";
import type { PrefixReader } from "./prefix.ts";
import type { TrustEpoch } from "./trust-epochs.ts";

const final = 4;
const mostAnchors = 256;

/** Puts every head that a log says an anchor has on the log's one timeline, and has its evidence checked. */
export class AnchorReader {
  /** Of the first head that lies on another timeline. */
  fork: string | undefined;
  readonly #anchors = new Map<string, AuditedAnchor>();
  readonly #prefixes: PrefixReader;
  readonly #epoch: TrustEpoch | undefined;
  readonly #verifiers: Verifiers | undefined;

  constructor(prefixes: PrefixReader, epoch: TrustEpoch | undefined, verifiers: Verifiers | undefined) {
    this.#prefixes = prefixes;
    this.#epoch = epoch;
    this.#verifiers = verifiers;
  }

  /** Throws ERR_AUDIT_PROOF when the evidence is of another head than its record says, or does not hold. */
  async add({ anchor, size, noteHash: hash, evidence: text }: AnchoredHead): Promise<void> {
    const { origin } = this.#prefixes.head;
    const { root } = await this.#prefixes.read(size);
    const head = { origin, size, root };
    if (toHex(noteHash(formatCheckpoint(head))) !== hash) {
      this.fork ??= `the head over ${size} records that ${anchor} has, by the log's own record, is not one of this log`;
      return;
    }
    const evidence = readEvidence(text);
    if (evidence?.anchor !== anchor || evidence.size !== size || evidence.note_hash !== hash) {
      throw invalid(`the evidence of ${anchor} over ${size} records is not of the head it is recorded for`);
    }
    const holds = await verifyEvidence(head, evidence, this.#epoch, this.#verifiers);
    if (holds === false) throw invalid(`the evidence of ${anchor} over ${size} records does not hold`);
    const finalSize = holds === true && evidence.finality === final ? size : 0;
    const known = this.#anchors.get(anchor) ?? { name: anchor, heads: 0, size: 0, finalSize: 0 };
    this.#anchors.set(anchor, {
      name: anchor,
      heads: known.heads + 1,
      size: Math.max(known.size, size),
      finalSize: Math.max(known.finalSize, finalSize),
    });
    if (this.#anchors.size > mostAnchors) throw invalid(`the log names more than ${mostAnchors} anchors`);
  }

  /** What was added. */
  summary(): readonly AuditedAnchor[] {
    return [...this.#anchors.values()];
  }
}
