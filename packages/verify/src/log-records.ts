import { decodeRecord, parseVkey, RecordType, type AuditRecord, type Checkpoint } from "@agentkeys/log";
import { invalid } from "./invalid.ts";

/** A head that the log says an anchor has taken (record type 51). */
export interface AnchoredHead {
  readonly anchor: string;
  readonly size: number;
  /** Lower hex. */
  readonly noteHash: string;
  /** JSON text. */
  readonly evidence: string;
}

/** Where a log's record of itself stands, and what it says. */
export interface KeyRotation {
  readonly index: number;
  readonly vkey: string;
}

/** Something an auditor should look at, that does not make the log invalid: how often, and where first. */
export interface Finding {
  readonly what: string;
  readonly count: number;
  readonly first: number;
}

/** What the records of a log say of the log itself. */
export interface LogRecords {
  readonly count: number;
  readonly rotations: readonly KeyRotation[];
  /** The epoch before, as entry 0 names it. */
  readonly genesis?: Checkpoint;
  /** What the last record says comes after this epoch. */
  readonly successor?: string;
  /** Ids that came so late that they could not be compared with all before. */
  readonly lateIds: number;
  readonly findings: readonly Finding[];
}

const day = 86_400_000;
const mostRotations = 4096;
const mostIds = 262_144;

/**
 * Takes the entries of one log in order, and holds each to the record format and to the log's own rules: ids unique, times that can be,
 * keys that rotate, one genesis, nothing after the seal. Throws with the first that breaks one.
 */
export class RecordReader {
  #count = 0;
  #newest = 0;
  #lateIds = 0;
  #newestForgotten = "";
  #genesis: Checkpoint | undefined;
  #successor: string | undefined;
  readonly #ids = new Set<string>();
  readonly #rotations: KeyRotation[] = [];
  readonly #findings = new Map<string, Finding>();
  readonly #origin: string;
  readonly #now: number;

  /** `now` is the auditor's clock, in milliseconds. */
  constructor(origin: string, now: number) {
    this.#origin = origin;
    this.#now = now;
  }

  /** Checks the next entry; answers the head it says an anchor has. */
  add(entry: Uint8Array): AnchoredHead | undefined {
    const index = this.#count++;
    try {
      return this.#check(index, decodeRecord(entry));
    } catch (error) {
      throw invalid(`entry ${index}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  /** What was read so far. */
  summary(): LogRecords {
    return {
      count: this.#count,
      rotations: this.#rotations,
      lateIds: this.#lateIds,
      findings: [...this.#findings.values()],
      ...(this.#genesis === undefined ? {} : { genesis: this.#genesis }),
      ...(this.#successor === undefined ? {} : { successor: this.#successor }),
    };
  }

  #check(index: number, record: AuditRecord): AnchoredHead | undefined {
    if (this.#successor !== undefined) throw invalid("it stands behind the record that seals the epoch");
    this.#checkId(record.id);
    this.#checkTime(index, record);
    if (index > 0 && record.type === RecordType.epochGenesis) throw invalid("an epoch's genesis is its entry 0 only");
    if (record.type === RecordType.keyRotated) this.#rotate(index, record);
    if (record.type === RecordType.epochGenesis) this.#genesis = readGenesis(record, this.#origin);
    if (record.type === RecordType.epochSealed) this.#successor = readBody(record, ["successor"]).text("successor");
    return record.type === RecordType.anchorEvidence ? readAnchored(index, record) : undefined;
  }

  // Of ids only the newest are kept. One that is older than all that were forgotten may be one of them.
  #checkId(id: string): void {
    if (this.#ids.has(id)) throw invalid(`its id ${id} is that of an earlier entry`);
    if (id <= this.#newestForgotten) this.#lateIds++;
    this.#ids.add(id);
    if (this.#ids.size <= mostIds) return;
    const [oldest = ""] = this.#ids;
    this.#ids.delete(oldest);
    if (oldest > this.#newestForgotten) this.#newestForgotten = oldest;
  }

  #checkTime(index: number, { id, time }: AuditRecord): void {
    if (time > this.#now + day) throw invalid("its time is more than a day after your clock");
    if (time < this.#newest - day) this.#find("its time is more than a day before that of an earlier entry", index);
    const made = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    if (Math.abs(made - time) > day) this.#find("its id was made more than a day before or after its time", index);
    this.#newest = Math.max(this.#newest, time);
  }

  #find(what: string, index: number): void {
    const { count, first } = this.#findings.get(what) ?? { count: 0, first: index };
    this.#findings.set(what, { what, count: count + 1, first });
  }

  #rotate(index: number, record: AuditRecord): void {
    const vkey = readBody(record, ["vkey"]).text("vkey");
    const key = parseVkey(vkey);
    if (key.algorithm !== 1 || key.name !== this.#origin) throw invalid("the new key is not one of this log");
    if (this.#rotations.some((rotation) => rotation.vkey === vkey)) throw invalid("the new key was rotated in before");
    if (this.#rotations.length >= mostRotations) throw invalid(`the log has more than ${mostRotations} keys`);
    this.#rotations.push({ index, vkey });
  }
}

function readGenesis(record: AuditRecord, origin: string): Checkpoint {
  const body = readBody(record, ["origin", "size", "root"]);
  const root = record.body?.["root"];
  if (!(root instanceof Uint8Array) || root.length !== 32)
    throw invalid("the root of the epoch before is not 32 bytes");
  const genesis = { origin: body.text("origin"), size: body.count("size"), root };
  if (genesis.origin === origin) throw invalid("the epoch before is this one");
  return genesis;
}

function readAnchored(index: number, record: AuditRecord): AnchoredHead {
  const body = readBody(record, ["anchor", "size", "note_hash", "evidence"]);
  const [anchor, size, noteHash] = [body.text("anchor"), body.count("size"), body.text("note_hash")];
  if (!/^[0-9a-f]{64}$/u.test(noteHash)) throw invalid("a note hash is not 32 bytes in hex");
  if (size > index) throw invalid("the head that was anchored is larger than the log was");
  return { anchor, size, noteHash, evidence: body.text("evidence") };
}

function readBody(record: AuditRecord, names: readonly string[]) {
  const body = record.body ?? {};
  if (Object.keys(body).toSorted().join() !== names.toSorted().join()) {
    throw invalid(`the members of its body are not exactly ${names.join(", ")}`);
  }
  return {
    text(name: string): string {
      const value = body[name];
      if (typeof value !== "string" || value === "") throw invalid(`${name} is not text`);
      return value;
    },
    count(name: string): number {
      const value = body[name];
      if (typeof value !== "number") throw invalid(`${name} is not a whole number`);
      return value;
    },
  };
}
