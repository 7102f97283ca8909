import type { Call, Json, Lifecycle } from "./call.ts";

/** What happened, in plain values. The log commits to the personal ones and never puts them into a leaf. */
export interface AuditEvent {
  /** UUIDv7 text. */
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** Record type and outcome numbers of the record format (`RecordType`, `Outcome` of @agentkeys/log). */
  readonly type: number;
  readonly outcome: number;
  /** OmniAccount, lower hex. */
  readonly account?: string;
  readonly agent?: string;
  /** Canonical wallet address; stands in the leaf as a keyed tag. */
  readonly wallet?: string;
  readonly issuer?: string;
  /** Canonical scope text. */
  readonly scope?: string;
  /** SHA-256 of rights and ceilings in force, lower hex. */
  readonly policy?: string;
  readonly grant?: string;
  /** Public credential id. */
  readonly credential?: string;
  /** Unix seconds [from, to]. */
  readonly validity?: readonly [number, number];
  /** UUID text of the record this one answers or corrects. */
  readonly parent?: string;
  readonly code?: string;
  readonly body?: AuditBody;
}

/** The body map: text keys; text, whole numbers ≥ 0, lists and maps. */
export interface AuditBody {
  readonly [key: string]: AuditBodyValue;
}
/** A value in a body. */
export type AuditBodyValue = string | number | readonly AuditBodyValue[] | AuditBody;

/** Where an event stands in the log, with its receipt as JSON text opened to the agent (fields 6, 9 and 12 where present). */
export interface AuditPosition {
  /** Its place in the tree of the epoch in use. Below 0 in an earlier epoch: -1 is the last entry of the epoch before. */
  readonly index: number;
  readonly receipt: string;
}

/** A signed tree head: a C2SP checkpoint as a signed note. */
export interface TreeHead {
  readonly origin: string;
  /** Lower hex SHA-256 of the origin. */
  readonly logId: string;
  readonly size: number;
  /** Padded base64. */
  readonly root: string;
  /** The whole note: text, empty line, the log's signature line. */
  readonly note: string;
}

/** One of an account's own records, opened to it; of an erased account, without what no leaf shows. */
export interface AuditView {
  /** As of a position: below 0 in an earlier epoch, whose heads no evidence of this one is over. */
  readonly index: number;
  readonly event: AuditEvent;
}

/** How to make a receipt. */
export interface ReceiptAsk {
  /** UUID text of the record. */
  readonly record: string;
  /** Field numbers to open; those the record lacks are left out. */
  readonly open: readonly number[];
  /** Prove inclusion in the head of this size; the newest without it. */
  readonly size?: number;
  /** Cosignature lines over that head, to stand in the note. */
  readonly cosignatures?: readonly string[];
  /** Evidence of other anchors. */
  readonly anchors?: readonly Evidence[];
}

/**
 * The local append-only Merkle log (`AuditLog`, capability `log`; exactly one). Internal until a second log exists.
 *
 * Obligations: `append` resolves after the events survive a crash of the machine; order is kept; the same id with the same
 * contents is the same position, with other contents `ERR_AUDIT_CONFLICT`; an event that cannot be encoded is refused with
 * `ERR_AUDIT_RECORD` and harms no other; a head once signed is a prefix of every later one.
 */
export interface AuditLog extends Lifecycle {
  append(events: readonly AuditEvent[], call: Call): Promise<readonly AuditPosition[]>;
  /** The newest signed head. `vkey` of the log: `origin+id+key`. */
  head(call: Call): Promise<TreeHead & { readonly vkey: string }>;
  /** RFC 6962 consistency proof between two sizes this log has had, hashes in padded base64. */
  prove(from: number, to: number, call: Call): Promise<readonly string[]>;
  /** Receipt JSON text, or undefined when there is no such record. */
  receipt(ask: ReceiptAsk, call: Call): Promise<string | undefined>;
  /** The account's own records, newest first; `before` is an index to continue from. */
  read(
    query: { readonly account: string; readonly before?: number; readonly limit: number },
    call: Call,
  ): Promise<readonly AuditView[]>;
  /** The owner and agent of a record, to decide who may see its receipt. */
  find(record: string, call: Call): Promise<AuditView | undefined>;
  /** What keeps the log over the years. */
  readonly upkeep: LogUpkeep;
}

/** One epoch of a log: an origin that is never used again, and every key that has signed its heads, oldest first. */
export interface LogEpoch {
  readonly origin: string;
  /** Lower hex SHA-256 of the origin. */
  readonly logId: string;
  readonly vkeys: readonly string[];
  readonly size: number;
}

/**
 * The slow work on a log, beside its hot path.
 *
 * Obligations: a tile once served is served with the same bytes for ever; after `erase` no call opens a record of that account, and
 * every proof over it still holds; `rotateKey` and `backup` neither lose nor hold up an append; a copy of `backup` opens as the log
 * it was, at the head answered.
 */
export interface LogUpkeep {
  /** Every epoch whose tiles can be had here, the one in use last. */
  epochs(call: Call): Promise<readonly LogEpoch[]>;
  /**
   * Bytes of a resource of C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`, of any size that was
   * signed. Undefined where there is no such resource.
   */
  tile(logId: string, path: string, call: Call): Promise<Uint8Array | undefined>;
  /** Deletes the key that opens an account's records, here and in every earlier epoch. Idempotent. The host records it. */
  erase(account: string, call: Call): Promise<void>;
  /**
   * Makes a new key for heads and records it (type 41). Until the key after it, heads carry the signatures of both, so that a reader
   * who knows either is served. Answers the new vkey.
   */
  rotateKey(call: Call): Promise<string>;
  /** Puts a consistent copy of all that the log keeps into an empty folder, while appends go on. Answers the copy's head. */
  backup(directory: string, call: Call): Promise<TreeHead>;
}

/** How an epoch began: what the one before it was, and its own origin. */
export interface EpochStart {
  readonly origin: string;
  readonly previous: { readonly origin: string; readonly size: number; readonly root: string };
}

/** 0 none · 1 accepted · 2 included · 3 safe · 4 final. Each anchor documents what each means for it. */
export type Finality = 0 | 1 | 2 | 3 | 4;

/** JSON-stable proof that an anchor has seen a head. One flipped byte anywhere makes its verification false. */
export interface Evidence {
  /** The config section's name. */
  readonly anchor: string;
  readonly size: number;
  /** Lower hex note hash of the checkpoint text. */
  readonly note_hash: string;
  readonly finality: Finality;
  /** Of a witness only: cosignature lines, which stand in the note and not in a receipt's `anchors`. */
  readonly cosignatures?: readonly string[];
  /** What the anchor's own `verifyOffline` needs. */
  readonly proof: Json;
}

/** What came of publishing a head. A remote fault is an answer (`retry`), never an exception. */
export type PublishResult =
  | { readonly status: "ok" | "already"; readonly evidence: Evidence }
  /**
   * The far side has a larger head: `theirs` is its signed note, where it can show one. The host stops issuing only for a note that bears
   * the log's own signature: a far side that merely says so is no kill switch.
   */
  | { readonly status: "ahead"; readonly size: number; readonly theirs?: string }
  /** The far side has another past: the host stops issuing and keeps both heads. `theirs` is its note, or whatever it has to show. */
  | { readonly status: "fork"; readonly size: number; readonly theirs: string }
  | { readonly status: "retry"; readonly afterMs: number; readonly reason: string }
  | { readonly status: "refused"; readonly reason: string };

/** What the host lends for one publish. */
export interface PublishTools {
  /** Consistency proof of the log from a size the far side has to the published one. */
  prove(from: number, to: number): Promise<readonly string[]>;
}

/** What an anchor declares of itself, as data. */
export interface AnchorManifest {
  readonly checks: "append-only" | "existence";
  readonly offline: "full" | "pinned-root" | "none";
  /** What leaves the house, e.g. `["origin", "size", "root"]`. */
  readonly publishes: readonly string[];
  /** Shortest useful distance between two publishes, in milliseconds. */
  readonly minIntervalMs: number;
}

/**
 * A far place that commits to heads and never sees a record (seed name: `AuditAnchor`, capability `anchor`).
 *
 * Obligations: publishing is idempotent on (log, size); never throws for a remote fault; never lowers a head; evidence is
 * JSON-stable; a head that does not extend the last one is refused by the far side (`checks: "append-only"`).
 *
 * The package also exports `verifyOffline` under `./verify`: pure, no network ({@link VerifyOffline}).
 */
export interface AuditAnchor extends Lifecycle {
  /** The size of the newest head of this log the far side has, 0 when it has none, undefined when it cannot say now. */
  head(logId: string, call: Call): Promise<number | undefined>;
  publish(head: TreeHead, tools: PublishTools, call: Call): Promise<PublishResult>;
  /** The same evidence at its present finality. */
  refresh(evidence: Evidence, call: Call): Promise<Evidence>;
  /** Asks the far side whether the evidence holds; undefined when it cannot say now. */
  verifyOnline(head: TreeHead, evidence: Evidence, call: Call): Promise<boolean | undefined>;
}

/** `./verify` of an anchor's package exports this as `verifyOffline`. `trust` is the anchor's own section of a trust file. */
export type VerifyOffline = (head: TreeHead, evidence: Evidence, trust: Json) => Promise<boolean>;
