import { emptyRoot, equalBytes, growTree, tileAt, tileWidth, type GrownTree, type HashPath } from "@agentkeys/log";
import { AnchorReader } from "./audit-anchors.ts";
import { checkLink } from "./audit-link.ts";
import { checkKeys, findNewKeys } from "./audit-keys.ts";
import { brokenVerdict, invalidLog, listLogUnproven, type AuditVerdict, type SoundVerdict } from "./audit-verdict.ts";
import type { Verifiers } from "./evidence.ts";
import { makeForkProof } from "./fork-proof.ts";
import { verifyHead, type VerifiedHead } from "./head.ts";
import { invalid, reasonOf } from "./invalid.ts";
import { readCheckpoint, readEntries, readHashes, type LogReader } from "./log-reader.ts";
import { RecordReader } from "./log-records.ts";
import { inOrder } from "./in-order.ts";
import { PrefixReader } from "./prefix.ts";
import { epochOf } from "./trust-epochs.ts";
import type { TrustPolicy } from "./trust-policy.ts";

/** What an audit may know and do beside reading the log. */
export interface AuditOptions {
  /** The auditor's clock, in milliseconds. */
  readonly now: number;
  /** Read the entries too, which takes an auditor's token. */
  readonly entries: boolean;
  /** A signed head kept from an earlier audit. */
  readonly since?: string;
  /** `verifyOffline` of the packages that the trust files name, by package. */
  readonly verifiers?: Verifiers;
  /** Where an earlier epoch is read from; undefined where it cannot be had. */
  readonly epochReader?: (origin: string) => LogReader | undefined;
  /** How many tiles are asked for at once; 8 without it. */
  readonly concurrency?: number;
  /** Called after each tile: how many leaves were read, of how many. */
  readonly onProgress?: (read: number, size: number) => void;
}

/**
 * Reads a whole log and hashes it again: its newest head is signed by a key of the policy, its tiles of every level make the head's
 * root, each entry is the one its leaf says, is a canonical record and keeps the log's rules; each head that it says an anchor has
 * lies on this one timeline; it is an append to the head kept from before; it goes on where the epoch before ended. Takes memory of
 * one size however long the log is. What does not hold is a verdict, not an exception.
 *
 * @example
 * const verdict = await auditLog(reader, parseTrustPolicy(policyText), { now: Date.now(), entries: true, since: keptNote });
 */
export async function auditLog(log: LogReader, trust: TrustPolicy, options: AuditOptions): Promise<AuditVerdict> {
  try {
    return await audit(log, trust, options);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return invalidLog(reason);
  }
}

async function audit(log: LogReader, trust: TrustPolicy, options: AuditOptions): Promise<AuditVerdict> {
  const kept = options.since === undefined ? undefined : await verifyHead(options.since, trust);
  const head = await verifyHead(await readCheckpoint(log), trust);
  const { origin, size } = head;
  const isSame = kept?.origin === origin;
  if (kept !== undefined && isSame && kept.size > size) {
    return brokenVerdict("REWOUND", `the log has ${size} records and signed a head over ${kept.size} before`, [
      kept,
      head,
    ]);
  }
  const prefixes = new PrefixReader(log, head);
  const anchors = new AnchorReader(prefixes, epochOf(trust, origin), options.verifiers);
  const records = await readLog(log, head, anchors, options);
  if (kept !== undefined && isSame) {
    const prefix = await prefixes.read(kept.size);
    if (!equalBytes(prefix.root, kept.root)) {
      const reason = `the first ${kept.size} records are not those of the head kept from before`;
      return brokenVerdict("FORKED", reason, [kept, head], makeForkProof(kept, head, prefix));
    }
  }
  if (anchors.fork !== undefined) return brokenVerdict("FORKED", anchors.fork, [head]);
  if (records !== undefined) await checkKeys(head, records, trust);
  const link = await checkLink(head, records, trust, { kept: isSame ? undefined : kept, reader: options.epochReader });
  if (link.broken !== undefined) return link.broken;
  const isHeld = isSame || link.fault === undefined || kept?.size === link.genesis?.size;
  const audited = anchors.summary();
  const isWitnessed = head.quorumMet && head.witnesses.length > 0;
  const verdict: Omit<SoundVerdict, "notProven"> = {
    level: audited.some(({ finalSize }) => finalSize > 0) ? "ANCHORED" : isWitnessed ? "WITNESSED" : "SIGNED",
    origin,
    size,
    root: head.root,
    note: head.note,
    witnesses: head.witnesses,
    quorumMet: head.quorumMet,
    newKeys: records === undefined ? [] : findNewKeys(records, origin, trust),
    anchors: audited,
    ...(records === undefined ? {} : { records }),
    ...(kept === undefined || !isHeld ? {} : { since: kept.size }),
    ...(link.genesis === undefined ? {} : { link: { ...link.genesis, checked: link.fault === undefined } }),
  };
  return { ...verdict, notProven: listLogUnproven(verdict, link.fault, kept) };
}

/** Hashes every leaf, in order, with a few tiles ahead; answers what the records say where they are read. */
async function readLog(log: LogReader, head: VerifiedHead, anchors: AnchorReader, options: AuditOptions) {
  const { size } = head;
  const records = options.entries ? new RecordReader(head.origin, options.now) : undefined;
  const upper = new UpperTiles(log, size);
  let tree: Pick<GrownTree, "size" | "edge" | "root"> = { size: 0, edge: [], root: emptyRoot };
  const read = async (index: number) => {
    const leaves = await readHashes(log, 0, index, size);
    return { leaves, entries: records === undefined ? [] : await readEntries(log, index, size, leaves) };
  };
  for await (const { leaves, entries } of inOrder(Math.ceil(size / tileWidth), options.concurrency ?? 8, read)) {
    const grown = growTree(tree.size, tree.edge, leaves);
    tree = grown;
    for (const { level, hash } of grown.nodes) if (level > 0 && level % 8 === 0) await upper.add(level / 8, hash);
    for (const entry of entries) {
      const anchored = records?.add(entry);
      if (anchored !== undefined) await anchors.add(anchored);
    }
    options.onProgress?.(tree.size, size);
  }
  if (!equalBytes(tree.root, head.root)) throw invalid("its tiles do not make the root it signed");
  await upper.end();
  return records?.summary();
}

/** Holds the tiles above level 0 to the hashes that the leaves really make. */
class UpperTiles {
  readonly #rows = new Map<number, { index: number; hashes: Uint8Array[] }>();
  readonly #log: LogReader;
  readonly #size: number;

  constructor(log: LogReader, size: number) {
    this.#log = log;
    this.#size = size;
  }

  async add(level: number, hash: Uint8Array): Promise<void> {
    const row = this.#rows.get(level) ?? { index: 0, hashes: [] };
    row.hashes.push(hash);
    this.#rows.set(level, row);
    if (row.hashes.length < tileWidth) return;
    await this.#compare(level, row.index, row.hashes);
    this.#rows.set(level, { index: row.index + 1, hashes: [] });
  }

  /** The tiles that stay partial. */
  async end(): Promise<void> {
    for (const [level, { index, hashes }] of this.#rows)
      if (hashes.length > 0) await this.#compare(level, index, hashes);
  }

  async #compare(level: number, index: number, hashes: HashPath): Promise<void> {
    const served = await readHashes(this.#log, level, index, this.#size);
    const isWhole = tileAt(level, index, this.#size)?.width === hashes.length;
    const wrong = hashes.findIndex((hash, at) => !equalBytes(hash, served[at] as Uint8Array));
    if (!isWhole || wrong >= 0) throw invalid(`tile ${index} of level ${level} is not made of the tiles below it`);
  }
}
