import {
  isAgentKeysError,
  newRecordId,
  toCrockford,
  type EpochStart,
  type LogEpoch,
  type TreeHead,
} from "@agentkeys/core";
import {
  encodeEntryBundle,
  fromBase64,
  isTileWithin,
  Outcome,
  parseTilePath,
  RecordType,
  type Tile,
} from "@agentkeys/log";
import { unavailableError } from "../errors.ts";
import { drawFrom, type AppendOrder } from "../thread/batch.ts";
import type { Epoch } from "./epoch.ts";
import type { LogIdentity } from "./identity.ts";
import { MerkleLog } from "../thread/merkle-log.ts";
import type { OpeningsVault } from "./openings.ts";
import type { LogStore } from "../thread/store.ts";
import { copyLog } from "./copy-log.ts";
import type { KeyFile } from "./key-file.ts";

/** What the host lends for a change that makes a key and records it. */
export interface KeyTools {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** `keyRandomBytes` of them. */
  readonly random: Uint8Array;
}

/** The parts of an open log. */
export interface OpenParts {
  /** Path of the database. */
  readonly file: string;
  readonly store: LogStore;
  readonly keyFile: KeyFile;
  readonly identity: LogIdentity;
  readonly vault: OpeningsVault;
  readonly log: MerkleLog;
}

/** The slow work on a log. */
export class Upkeep {
  readonly #parts: OpenParts;

  constructor(parts: OpenParts) {
    this.#parts = parts;
  }

  /** @see LogUpkeep.epochs */
  epochs(): readonly LogEpoch[] {
    return this.#parts.identity.epochs.map(({ origin, logId, vkeys, size }) => ({ origin, logId, vkeys, size }));
  }

  /** @see LogUpkeep.tile */
  tile([logId, path]: readonly [string, string]): Uint8Array | undefined {
    const epoch = this.#parts.identity.epochs.find((one) => one.logId === logId);
    if (epoch === undefined) return undefined;
    if (path === "checkpoint") return Uint8Array.from(Buffer.from(epoch.headAt(epoch.size).note));
    const tile = findTile(path);
    // A size is signed at each commit and whenever it is asked for, so what lies within the tree is of a size that may be signed.
    return tile !== undefined && isTileWithin(tile, epoch.size) ? this.#readTile(epoch, tile) : undefined;
  }

  /** @see LogUpkeep.erase */
  erase(account: string): void {
    this.#parts.vault.erase(account);
  }

  /** @see LogUpkeep.rotateKey */
  rotateKey({ time, random }: KeyTools): string {
    const { identity, log } = this.#parts;
    const draw = drawFrom(random);
    return identity.addKey(identity.current.origin, draw(32), (vkey) => {
      appendOwn(log, { type: RecordType.keyRotated, time, body: { vkey } }, draw);
    });
  }

  /** Begins the next epoch. See `startEpoch` of the plug-in; nothing but closing comes after it. */
  startEpoch({ time, random }: KeyTools): EpochStart {
    const { identity, log, store, vault } = this.#parts;
    const draw = drawFrom(random);
    const previous = log.head();
    // A name of its own: another copy of this log may begin an epoch too, and neither knows of the other.
    const name = toCrockford(draw(5));
    const origin = previous.origin.replace(/[^/]+\/([0-9]+)$/u, (_, number) => `${name}/${Number(number) + 1}`);
    identity.addKey(origin, draw(32), () => {
      const body = { origin: previous.origin, size: previous.size, root: fromBase64(previous.root) };
      appendOwn(new MerkleLog(store, identity, vault), { type: RecordType.epochGenesis, time, body }, draw);
    });
    return { origin, previous: { origin: previous.origin, size: previous.size, root: previous.root } };
  }

  /** @see LogUpkeep.backup */
  async backup(directory: string): Promise<TreeHead> {
    const { file, store, keyFile, identity } = this.#parts;
    const head = (): TreeHead => identity.current.headAt(identity.current.size);
    return copyLog({ file, store, keyFile, head }, directory);
  }

  #readTile({ hashAt, firstPosition }: Epoch, { level, index, width }: Tile): Uint8Array {
    const first = index * 256;
    if (level !== "entries")
      return Uint8Array.from(Buffer.concat(Array.from({ length: width }, (_, at) => hashAt(8 * level, first + at))));
    const sql = "SELECT entry FROM entries WHERE position >= ? ORDER BY position LIMIT ?";
    const rows = this.#parts.store.list(sql, firstPosition + first, width) as readonly { entry: Uint8Array }[];
    return encodeEntryBundle(rows.map(({ entry }) => entry));
  }
}

function findTile(path: string): Tile | undefined {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_PROOF")) return undefined;
    throw error;
  }
}

/** Appends a record of the log's own; throws what it is refused for. */
function appendOwn(
  log: MerkleLog,
  event: Readonly<Record<"type" | "time" | "body", unknown>>,
  draw: AppendOrder["random"],
): void {
  const id = newRecordId(Number(event.time), draw(10));
  const [result] = log.append([{ events: [{ ...event, id, outcome: Outcome.ok }], random: draw }]);
  if (isAgentKeysError(result)) throw unavailableError(`its own record was refused: ${result.message}`);
}
