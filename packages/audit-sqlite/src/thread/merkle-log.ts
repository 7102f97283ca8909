import {
  isAgentKeysError,
  type AgentKeysError,
  type AuditBody,
  type AuditLog,
  type AuditPosition,
  type AuditView,
  type ReceiptAsk,
} from "@agentkeys/core";
import {
  consistencyPath,
  decodeRecord,
  FieldKey,
  formatCheckpoint,
  growTree,
  inclusionPath,
  leafHash,
  logId,
  parseNote,
  rootAt,
  toBase64,
  toHex,
  type GrownTree,
  type NodeReader,
} from "@agentkeys/log";
import { Batch, dropAbsent, type AppendOrder } from "./batch.ts";
import { proofError } from "../errors.ts";
import type { LogIdentity } from "./identity.ts";
import { formatReceiptText, openingsOf, quote } from "./receipt-text.ts";
import type { LogStore, StoredEntry } from "./store.ts";
import { checkTail } from "./tail.ts";

const openedAtOnce: readonly number[] = [FieldKey.agent, FieldKey.scope, FieldKey.credential];
const mostViews = 200;

/** The log itself. A proof costs a few point reads for each level of the tree, whatever its size. */
export class MerkleLog {
  readonly #store: LogStore;
  readonly #identity: LogIdentity;
  readonly #hashAt: NodeReader;
  #tree: GrownTree;

  /** Checks the tail of the stored tree first; throws ERR_AUDIT_STORAGE. */
  constructor(store: LogStore, identity: LogIdentity) {
    this.#store = store;
    this.#identity = identity;
    this.#hashAt = (level, index) => store.hashAt(level, index);
    const { size, edge } = checkTail(store);
    this.#tree = growTree(size, edge, []);
  }

  /**
   * Appends the events of several callers in one durable transaction, then signs one head. Each caller's events are taken all
   * together, or none of them and the answer is why. Throws for a storage error: nothing was acknowledged, and the log must not
   * be used again.
   */
  append(orders: readonly AppendOrder[]): readonly (readonly AuditPosition[] | AgentKeysError)[] {
    const { size } = this.#tree;
    const batch = new Batch(this.#store, this.#identity.indexKey, size);
    const placed = orders.map((order) => batch.place(order));
    const { fresh } = batch;
    const grown = growTree(
      size,
      this.#tree.edge,
      fresh.map(({ entry }) => leafHash(entry)),
    );
    if (fresh.length > 0) this.#store.write(fresh, grown.nodes);
    this.#tree = grown;
    const note = quote(this.#signHead(grown.size));
    const texts = new Map<Uint8Array, string>();
    const locate = (stored: StoredEntry): AuditPosition => {
      const { position, entry } = stored;
      const path = position < size ? inclusionPath(position, grown.size, this.#hashAt) : grown.proof(position);
      const openings = openingsOf(stored, openedAtOnce);
      return { index: position, receipt: formatReceiptText({ entry, index: position, path, note, openings }, texts) };
    };
    return placed.map((entries) => (isAgentKeysError(entries) ? entries : entries.map(locate)));
  }

  /** @see AuditLog.head */
  head(): Awaited<ReturnType<AuditLog["head"]>> {
    const { origin, vkey } = this.#identity;
    const { size, root } = this.#tree;
    return { origin, logId: toHex(logId(origin)), size, root: toBase64(root), note: this.#signHead(size), vkey };
  }

  /** @see AuditLog.prove */
  prove([from, to]: readonly [number, number]): readonly string[] {
    this.#assertSize(to);
    return consistencyPath(from, to, this.#hashAt).map(toBase64);
  }

  /** @see AuditLog.receipt */
  receipt({ record, open, size = this.#tree.size, cosignatures = [], anchors = [] }: ReceiptAsk): string | undefined {
    const stored = this.#store.find(record);
    if (stored === undefined) return undefined;
    this.#assertSize(size);
    const { position: index, entry } = stored;
    const lines = cosignatures.map((line) => (line.endsWith("\n") ? line : `${line}\n`));
    const note = this.#signHead(size) + lines.join("");
    // A line that is more or less than one signature would change what the note says.
    if (parseNote(note).signatures.length !== lines.length + 1) throw proofError("a cosignature is not one line");
    const path = inclusionPath(index, size, this.#hashAt);
    return formatReceiptText({ entry, index, path, note: quote(note), openings: openingsOf(stored, open), anchors });
  }

  /** @see AuditLog.read */
  read({ account, before, limit }: Parameters<AuditLog["read"]>[0]): readonly AuditView[] {
    const most = Number.isSafeInteger(limit) ? Math.min(Math.max(limit, 0), mostViews) : 0;
    const end = Number.isSafeInteger(before) ? before : this.#tree.size;
    return this.#store.ofAccount(account, end ?? this.#tree.size, most).map(viewOf);
  }

  /** @see AuditLog.find */
  find(record: string): AuditView | undefined {
    const stored = this.#store.find(record);
    return stored === undefined ? undefined : viewOf(stored);
  }

  /** The size, read from the database. */
  ping(): number {
    return this.#store.counts().entries;
  }

  #signHead(size: number): string {
    const root = size === this.#tree.size ? this.#tree.root : rootAt(size, this.#hashAt);
    return this.#identity.signHead(formatCheckpoint({ origin: this.#identity.origin, size, root }));
  }

  #assertSize(size: number): void {
    const isKnown = Number.isSafeInteger(size) && size >= 0 && size <= this.#tree.size;
    if (!isKnown) throw proofError(`this log has had no head of ${size} entries`);
  }
}

function viewOf({ position, entry, personal }: StoredEntry): AuditView {
  const { id, time, type, outcome, issuer, policy, validity, parent, code, body } = decodeRecord(entry);
  const plain = {
    issuer,
    policy: policy === undefined ? undefined : toHex(policy),
    validity,
    parent,
    code,
    body: body as AuditBody | undefined,
  };
  return { index: position, event: { id, time, type, outcome, ...personal, ...dropAbsent(plain) } };
}
