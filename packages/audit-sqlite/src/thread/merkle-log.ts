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
  growTree,
  inclusionPath,
  leafHash,
  parseNote,
  toBase64,
  toHex,
  type GrownTree,
} from "@agentkeys/log";
import { Batch, parseRecordId, sha256, type AppendOrder, type PlacedEntry } from "./batch.ts";
import { proofError } from "../errors.ts";
import { checkTail } from "../upkeep/tail.ts";
import type { Epoch } from "../upkeep/epoch.ts";
import type { LogIdentity } from "../upkeep/identity.ts";
import type { OpeningsVault } from "../upkeep/openings.ts";
import { formatReceiptText, openingsOf, quote } from "./receipt-text.ts";
import type { LogStore, StoredEntry } from "./store.ts";

const openedAtOnce: readonly number[] = [FieldKey.agent, FieldKey.scope, FieldKey.credential];
const mostViews = 200;

/** The log itself. A proof costs a few point reads for each level of the tree, whatever its size. */
export class MerkleLog {
  readonly #store: LogStore;
  readonly #identity: LogIdentity;
  readonly #vault: OpeningsVault;
  #tree: GrownTree;

  /** Checks the tail of the stored tree first; throws ERR_AUDIT_STORAGE. */
  constructor(store: LogStore, identity: LogIdentity, vault: OpeningsVault) {
    this.#store = store;
    this.#identity = identity;
    this.#vault = vault;
    this.#tree = readTree(store, identity.current);
  }

  /**
   * Appends the events of several callers in one durable transaction, then signs one head. Each caller's events are taken all
   * together, or none of them and the answer is why. Throws for a storage error: nothing was acknowledged, and the log must not
   * be used again.
   */
  append(orders: readonly AppendOrder[]): readonly (readonly AuditPosition[] | AgentKeysError)[] {
    const epoch = this.#identity.current;
    const { size, edge } = this.#tree;
    const position = epoch.firstPosition + size;
    const batch = new Batch({ store: this.#store, vault: this.#vault, tags: this.#identity.tags, position });
    const { placed, grown } = this.#store.transact(() => {
      const found = orders.map((order) => batch.place(order));
      const leaves = batch.fresh.map(({ entry }) => leafHash(entry, sha256));
      const tree = growTree(size, edge, leaves, sha256);
      this.#store.write(batch.fresh, tree.nodes, epoch.firstPlace);
      return { placed: found, grown: tree };
    });
    this.#tree = grown;
    epoch.size = grown.size;
    const note = quote(epoch.headAt(grown.size, grown.root).note);
    const texts = new Map<Uint8Array, string>();
    const locate = (entry: PlacedEntry): AuditPosition => {
      if (entry.position < position) return this.#locateEarlier(entry);
      const index = entry.position - epoch.firstPosition;
      const openings = openingsOf(entry.opened, openedAtOnce);
      const parts = { entry: entry.entry, index, path: grown.proof(index), note, openings };
      return { index, receipt: formatReceiptText(parts, texts) };
    };
    return placed.map((entries) => (isAgentKeysError(entries) ? entries : entries.map(locate)));
  }

  /** @see AuditLog.head */
  head(): Awaited<ReturnType<AuditLog["head"]>> {
    const { size, root } = this.#tree;
    const { current } = this.#identity;
    return { ...current.headAt(size, root), vkey: current.vkeys.at(-1) ?? "" };
  }

  /** @see AuditLog.prove */
  prove([from, to]: readonly [number, number]): readonly string[] {
    const { current } = this.#identity;
    assertSize(current, to);
    return consistencyPath(from, to, current.hashAt).map(toBase64);
  }

  /** @see AuditLog.receipt */
  receipt({ record, open, size, cosignatures = [], anchors = [] }: ReceiptAsk): string | undefined {
    const stored = this.#find(record);
    if (stored === undefined) return undefined;
    const epoch = this.#identity.epochOf(stored.position);
    const under = size ?? epoch.size;
    assertSize(epoch, under);
    const lines = cosignatures.map((line) => (line.endsWith("\n") ? line : `${line}\n`));
    const note = epoch.headAt(under).note + lines.join("");
    // A line that is more or less than one signature would change what the note says.
    if (parseNote(note).signatures.length !== lines.length + epoch.signatures)
      throw proofError("a cosignature is not one line");
    const index = stored.position - epoch.firstPosition;
    const path = inclusionPath(index, under, epoch.hashAt);
    const openings = openingsOf(this.#vault.open(stored), open);
    return formatReceiptText({ entry: stored.entry, index, path, note: quote(note), openings, anchors });
  }

  /** @see AuditLog.read */
  read({ account, before, limit }: Parameters<AuditLog["read"]>[0]): readonly AuditView[] {
    const most = Number.isSafeInteger(limit) ? Math.min(Math.max(limit, 0), mostViews) : 0;
    const end = before !== undefined && Number.isSafeInteger(before) ? before : this.#tree.size;
    const owner = this.#vault.ownerOf(account);
    if (owner === undefined) return [];
    const { firstPosition } = this.#identity.current;
    return this.#store.ofOwner(owner, firstPosition + end, most).map((stored) => this.#view(stored));
  }

  /** @see AuditLog.find */
  find(record: string): AuditView | undefined {
    const stored = this.#find(record);
    return stored === undefined ? undefined : this.#view(stored);
  }

  /** The size, read from the database. */
  ping(): number {
    return this.#store.counts().entries;
  }

  #find(record: string): StoredEntry | undefined {
    const id = parseRecordId(record);
    return id && this.#store.find(id);
  }

  /** Of an entry that was there before, in whichever epoch. */
  #locateEarlier({ position, entry, opened }: PlacedEntry): AuditPosition {
    const epoch = this.#identity.epochOf(position);
    const index = position - epoch.firstPosition;
    const path = inclusionPath(index, epoch.size, epoch.hashAt);
    const note = quote(epoch.headAt(epoch.size).note);
    const receipt = formatReceiptText({ entry, index, path, note, openings: openingsOf(opened, openedAtOnce) });
    return { index: position - this.#identity.current.firstPosition, receipt };
  }

  #view(stored: StoredEntry): AuditView {
    const { id, time, type, outcome, issuer, policy, validity, parent, code, body } = decodeRecord(stored.entry);
    const plain = {
      ...this.#vault.open(stored)?.personal,
      issuer,
      policy: policy && toHex(policy),
      validity,
      parent,
      code,
      body: body as AuditBody | undefined,
    };
    const index = stored.position - this.#identity.current.firstPosition;
    return { index, event: { id, time, type, outcome, ...dropAbsent(plain) } };
  }
}

function readTree(store: LogStore, epoch: Epoch): GrownTree {
  return growTree(epoch.size, checkTail(store, epoch), []);
}

function assertSize({ size: most }: Epoch, size: number): void {
  const isKnown = Number.isSafeInteger(size) && size >= 0 && size <= most;
  if (!isKnown) throw proofError(`this log has had no head of ${size} entries`);
}

/** The object without the members that are undefined. */
function dropAbsent<Members extends object>(members: Members): { [Name in keyof Members]: never } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
