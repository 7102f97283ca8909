import { hash } from "node:crypto";
import { AgentKeysError, isAgentKeysError, type AuditEvent } from "@agentkeys/core";
import { commitEvent, equalBytes, type CommittedEvent } from "@agentkeys/log";
import { recordError } from "../errors.ts";
import type { LogStore, StoredEntry } from "./store.ts";

/** The events of one caller with the random bytes for their salts. */
export interface AppendOrder {
  /** JSON text of the list of events. */
  readonly text: string;
  readonly random: (length: number) => Uint8Array;
}

/** Entries of several callers on their way into one transaction. */
export class Batch {
  readonly #store: LogStore;
  readonly #indexKey: Uint8Array;
  readonly #size: number;
  readonly #fresh = new Map<string, StoredEntry>();

  constructor(store: LogStore, indexKey: Uint8Array, size: number) {
    this.#store = store;
    this.#indexKey = indexKey;
    this.#size = size;
  }

  /** The entries to write, in order. */
  get fresh(): readonly StoredEntry[] {
    return [...this.#fresh.values()];
  }

  /**
   * Finds each event of a caller its place: all of them or, with an answer of ERR_AUDIT_RECORD or ERR_AUDIT_CONFLICT, none.
   * What is there already, with the same contents, keeps the place it has.
   */
  place({ text, random }: AppendOrder): readonly StoredEntry[] | AgentKeysError {
    const before = this.#fresh.size;
    try {
      return (JSON.parse(text) as readonly unknown[]).map((event) =>
        this.#placeEvent(event as AuditEvent | null, random),
      );
    } catch (error) {
      if (!isAgentKeysError(error)) throw error;
      for (const id of [...this.#fresh.keys()].slice(before)) this.#fresh.delete(id);
      return error;
    }
  }

  #placeEvent(event: AuditEvent | null, random: AppendOrder["random"]): StoredEntry {
    if (typeof event?.id !== "string") throw recordError("it is not an event with an id");
    const { id, account, agent, wallet, scope, grant, credential } = event;
    const known = this.#fresh.get(id) ?? this.#store.find(id);
    const { entry, openings } = this.#commit(event, known === undefined ? random : takeFrom(known.salts));
    if (known !== undefined) {
      // Committed with the same salts, the same contents are the same bytes.
      if (equalBytes(entry, known.entry)) return known;
      throw new AgentKeysError("ERR_AUDIT_CONFLICT", `the record ${id} is there with other contents`, { record: id });
    }
    const position = this.#size + this.#fresh.size;
    const salts = Buffer.concat(openings.map(({ salt }) => salt));
    const made = {
      position,
      id,
      entry,
      salts,
      personal: dropAbsent({ account, agent, wallet, scope, grant, credential }),
    };
    this.#fresh.set(id, made);
    return made;
  }

  #commit(event: AuditEvent, random: AppendOrder["random"]): CommittedEvent {
    try {
      return commitEvent(event, { random, indexKey: this.#indexKey, sha256 });
    } catch (error) {
      throw isAgentKeysError(error) ? error : recordError("it is not an event", error);
    }
  }
}

// Node's own, in one call: several times as fast as a hash in JavaScript.
function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/** Gives bytes out one after the other, with zeros behind them. */
export function takeFrom(bytes: Uint8Array): (length: number) => Uint8Array {
  let at = 0;
  return (length) => {
    const taken = new Uint8Array(length);
    taken.set(bytes.subarray(at, at + length));
    at += length;
    return taken;
  };
}

/** The object without the members that are undefined. */
export function dropAbsent<Members extends object>(members: Members): { [Name in keyof Members]: never } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
