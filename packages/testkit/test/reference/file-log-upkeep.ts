import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  AgentKeysError,
  newRecordId,
  type AuditEvent,
  type LogUpkeep,
  type PluginHost,
  type TreeHead,
} from "@agentkeys/core";
import {
  encodeEntryBundle,
  formatVkey,
  isTileWithin,
  logId,
  parseTilePath,
  toHex,
  type NodeReader,
  type Tile,
} from "@agentkeys/log";
import { makeSigner } from "../../src/index.ts";
import type { HasFlaw } from "./schema.ts";

/** A record as a line of the file: the event and the salts that its commitments took; once erased, what is left and the entry. */
export interface Line {
  readonly epoch: number;
  readonly event: AuditEvent;
  readonly salts: string;
  /** Hex; also of entry 0 of an epoch, whose body JSON cannot write. */
  readonly entry?: string;
}

/** The origin and the names of the keys of each epoch. */
export type Epochs = { readonly origin: string; readonly keys: readonly string[] }[];

/** What the upkeep of the log in a text file works on. */
export interface FileLog {
  readonly host: PluginHost;
  readonly has: HasFlaw;
  readonly epochs: Epochs;
  lines(): readonly Line[];
  replace(lines: readonly Line[]): void;
  entryOf(line: Line): Uint8Array;
  nodesOf(epoch: number): NodeReader;
  noteOf(epoch: number): string;
  write(event: AuditEvent): void;
  enter(call: { readonly signal: AbortSignal }): Promise<void>;
  head(): TreeHead;
}

/** The upkeep of the log in a text file. */
export function makeUpkeep(log: FileLog): LogUpkeep {
  const { host, has, epochs } = log;
  const linesOf = (epoch: number): readonly Line[] => log.lines().filter((line) => line.epoch === epoch);
  const readTile = (epoch: number, { level, index, width }: Tile): Uint8Array => {
    const first = index * 256;
    if (level === "entries")
      return encodeEntryBundle(
        linesOf(epoch)
          .slice(first, first + width)
          .map((line) => log.entryOf(line)),
      );
    const nodeAt = log.nodesOf(epoch);
    const hashes = Array.from({ length: width }, (_, at) => nodeAt(8 * level, first + at));
    return Uint8Array.from(Buffer.concat(hashes));
  };
  return {
    async epochs(call) {
      await log.enter(call);
      const shown = has("forgets the old epoch") ? epochs.slice(-1) : epochs;
      return shown.map(({ origin, keys }) => {
        const vkeys = keys.map((name) => formatVkey(origin, 1, makeSigner(name).publicKey));
        return {
          origin,
          logId: toHex(logId(origin)),
          vkeys,
          size: linesOf(epochs.findIndex((one) => one.origin === origin)).length,
        };
      });
    },
    async tile(id, path, call) {
      await log.enter(call);
      const epoch = epochs.findIndex(({ origin }) => toHex(logId(origin)) === id);
      if (epoch < 0) return undefined;
      if (path === "checkpoint") return Uint8Array.from(Buffer.from(log.noteOf(epoch)));
      try {
        const tile = parseTilePath(has("takes any path") ? path.replace(/\/0+(\d{3})/u, "/$1").trim() : path);
        const { length: size } = linesOf(epoch);
        if (!isTileWithin(tile, size)) return undefined;
        const isOld = tile.width < 256 && tile.level !== 1 && tile.index * 256 + tile.width < size;
        if (isOld && has("drops a partial tile when there is more")) return undefined;
        const bytes = readTile(epoch, tile);
        return has("serves other bytes as it grows") && isOld ? bytes.fill(0, 0, 8) : bytes;
      } catch {
        return undefined;
      }
    },
    async erase(account, call) {
      await log.enter(call);
      if (has("erases nothing")) return;
      const isOf = (line: Line): boolean => has("erases everybody") || line.event.account === account;
      log.replace(log.lines().map((line) => (isOf(line) ? eraseLine(line, log, has) : line)));
    },
    async rotateKey(call) {
      await log.enter(call);
      const epoch = epochs.at(-1) ?? { origin: "", keys: [] };
      const name = toHex(host.random(16));
      if (!has("keeps the key it had")) epochs[epochs.length - 1] = { ...epoch, keys: [...epoch.keys, name] };
      writeEpochs(host, epochs);
      const vkey = formatVkey(epoch.origin, 1, makeSigner(name).publicKey);
      if (!has("records no new key")) log.write(makeRecord(host, 41, { vkey }));
      return vkey;
    },
    async backup(directory, call) {
      await log.enter(call);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (readdirSync(directory).length > 0 && !has("copies into a full folder"))
        throw new AgentKeysError("ERR_AUDIT_UNAVAILABLE", "not empty", { reason: "the folder is not empty" });
      for (const name of ["log.jsonl", "index-key", "epochs.json"]) {
        const bytes = readFileSync(`${host.dataDirectory}/${name}`);
        const last = bytes.lastIndexOf("\n", -2) + 1;
        const isShort = name === "log.jsonl" && has("leaves the last record out of a copy");
        writeFileSync(`${directory}/${name}`, isShort ? bytes.subarray(0, last) : bytes, { mode: 0o600 });
      }
      return log.head();
    },
  };
}

/** Entry 0 of an epoch, or the record of a key. */
export function makeRecord(host: PluginHost, type: number, body: object): AuditEvent {
  return {
    id: newRecordId(host.now(), host.random(10)),
    time: host.now(),
    type,
    outcome: 1,
    body: body as NonNullable<AuditEvent["body"]>,
  };
}

/** The epochs as they were written; the first one where none was. */
export function readEpochs(host: PluginHost, first: string): Epochs {
  try {
    return JSON.parse(readFileSync(`${host.dataDirectory}/epochs.json`, "utf8")) as Epochs;
  } catch {
    const epochs = [{ origin: first, keys: [first] }];
    writeEpochs(host, epochs);
    return epochs;
  }
}

/** Writes what {@link readEpochs} reads. */
export function writeEpochs(host: PluginHost, epochs: Epochs): void {
  writeFileSync(`${host.dataDirectory}/epochs.json`, JSON.stringify(epochs), { mode: 0o600 });
}

function eraseLine(line: Line, log: FileLog, has: HasFlaw): Line {
  const personal = ["account", "agent", "wallet", "scope", "grant", "credential"];
  const plain = Object.fromEntries(Object.entries(line.event).filter(([name]) => !personal.includes(name)));
  const event = has("hides an erased account from its reader alone")
    ? { ...line.event, account: "" }
    : (plain as unknown as AuditEvent);
  const entry = toHex(log.entryOf(line));
  return { epoch: line.epoch, event, salts: line.salts, entry };
}
