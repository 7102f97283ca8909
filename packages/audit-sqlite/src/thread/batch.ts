import { hash } from "node:crypto";
import { AgentKeysError, isAgentKeysError, type AuditEvent } from "@agentkeys/core";
import {
  commitEvent,
  decodeRecord,
  encodeRecord,
  equalBytes,
  RecordType,
  type CommittedEvent,
  type CommitTools,
} from "@agentkeys/log";
import { recordError } from "../errors.ts";
import type { Opened, OpeningsVault, Random } from "../upkeep/openings.ts";
import type { LogStore, StoredEntry } from "./store.ts";

/** The events of one caller with the random bytes they may take: `randomBytesOfEvent` for each. */
export interface AppendOrder {
  /** The events, or their list as JSON text. */
  readonly events: string | readonly unknown[];
  readonly random: Random;
}

/** An entry with what opens it, as far as it can be opened. */
export interface PlacedEntry extends StoredEntry {
  readonly opened: Opened | undefined;
}

/** What a batch goes into. */
export interface BatchTarget {
  readonly store: LogStore;
  readonly vault: OpeningsVault;
  readonly tags: Pick<CommitTools, "indexKey" | "tag">;
  /** Where its first new entry goes. */
  readonly position: number;
}

/** Entries of several callers on their way into one transaction. */
export class Batch {
  readonly #target: BatchTarget;
  readonly #fresh = new Map<string, PlacedEntry>();

  constructor(target: BatchTarget) {
    this.#target = target;
  }

  /** The entries to write, in order. */
  get fresh(): readonly PlacedEntry[] {
    return [...this.#fresh.values()];
  }

  /**
   * Finds each event of a caller its place: all of them or, with an answer of ERR_AUDIT_RECORD or ERR_AUDIT_CONFLICT, none.
   * What is there already, with the same contents, keeps the place it has.
   */
  place({ events, random }: AppendOrder): readonly PlacedEntry[] | AgentKeysError {
    const before = this.#fresh.size;
    try {
      const list = typeof events === "string" ? (JSON.parse(events) as readonly unknown[]) : events;
      return list.map((event) => this.#placeEvent(event as AuditEvent | null, random));
    } catch (error) {
      if (!isAgentKeysError(error)) throw error;
      for (const id of [...this.#fresh.keys()].slice(before)) this.#fresh.delete(id);
      return error;
    }
  }

  #placeEvent(event: AuditEvent | null, random: Random): PlacedEntry {
    if (typeof event?.id !== "string") throw recordError("it is not an event with an id");
    const known = this.#fresh.get(event.id) ?? this.#find(event.id);
    if (known !== undefined) {
      this.#assertSame(event, known);
      return known;
    }
    const { vault, position: first } = this.#target;
    const { entry, openings } = this.#commit(event, random);
    const [position, id] = [first + this.#fresh.size, recordIdOf(entry)];
    const { account, agent, wallet, scope, grant, credential } = event;
    const personal = { account, agent, wallet, scope, grant, credential };
    const opened = openings.length === 0 && wallet === undefined ? undefined : { openings, personal };
    // The record of an erasure must not begin a new key of the account that it erased.
    const isSealed = opened !== undefined && event.type !== RecordType.erased;
    const sealed = isSealed ? vault.seal(opened, id, position, random) : undefined;
    const made = { position, id, entry, sealed, opened };
    this.#fresh.set(event.id, made);
    return made;
  }

  #find(record: string): PlacedEntry | undefined {
    const id = parseRecordId(record);
    const stored = id && this.#target.store.find(id);
    return stored && { ...stored, opened: this.#target.vault.open(stored) };
  }

  /** Committed with the same salts, the same contents are the same bytes. Of an erased record, what is no commitment is compared. */
  #assertSame(event: AuditEvent, { entry, opened }: PlacedEntry): void {
    const salts = takeFrom(Buffer.concat(opened?.openings.map(({ salt }) => salt) ?? []));
    const again = this.#commit(event, salts).entry;
    if (equalBytes(again, entry) || (opened === undefined && isSameBesideCommitments(again, entry))) return;
    throw new AgentKeysError("ERR_AUDIT_CONFLICT", `the record ${event.id} is there with other contents`, {
      record: event.id,
    });
  }

  #commit(event: AuditEvent, random: Random): CommittedEvent {
    try {
      return commitEvent(event, { ...this.#target.tags, random, sha256 });
    } catch (error) {
      throw isAgentKeysError(error) ? error : recordError("it is not an event", error);
    }
  }
}

/** SHA-256 by Node, in one call. As text and back: a buffer that Node's own code allocates costs twice as much as the hash. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = Buffer.allocUnsafe(32);
  digest.write(hash("sha256", bytes, "binary"), "binary");
  return digest;
}

/** Gives bytes out one after the other, with zeros behind them. */
export function takeFrom(bytes: Uint8Array): Random {
  let at = 0;
  return (length) => {
    const taken = new Uint8Array(length);
    taken.set(bytes.subarray(at, at + length));
    at += length;
    return taken;
  };
}

/** Gives random bytes out one after the other; throws rather than give one that is not there. */
export function drawFrom(bytes: Uint8Array): Random {
  let at = 0;
  return (length) => {
    at += length;
    if (at > bytes.length) throw new RangeError("the random bytes are used up");
    return bytes.subarray(at - length, at);
  };
}

/** The 16 bytes of a record's UUID text; undefined for what is none. */
export function parseRecordId(record: string): Buffer | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u.test(record)
    ? Buffer.from(record.replaceAll("-", ""), "hex")
    : undefined;
}

/** The record id within entry bytes: the encoding is deterministic, and before it stand the version and two keys. */
export function recordIdOf(entry: Uint8Array): Uint8Array {
  return entry.subarray(5, 21);
}

function isSameBesideCommitments(again: Uint8Array, entry: Uint8Array): boolean {
  const blank = (bytes: Uint8Array): Uint8Array => {
    const record = decodeRecord(bytes);
    const committed = Object.keys(record).filter((name) => committedNames.has(name));
    return encodeRecord({ ...record, ...Object.fromEntries(committed.map((name) => [name, zeros])) });
  };
  return equalBytes(blank(again), blank(entry));
}

const committedNames = new Set(["account", "agent", "scope", "grant", "credential"]);
const zeros = new Uint8Array(32);
