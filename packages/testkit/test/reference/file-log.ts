import { appendFileSync, closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  AgentKeysError,
  definePlugin,
  type AuditEvent,
  type AuditLog,
  type EpochStart,
  type PluginHost,
  type ReceiptAsk,
  toCrockford,
} from "@agentkeys/core";
import {
  commitEvent,
  fromBase64,
  consistencyPath,
  fromHex,
  formatCheckpoint,
  formatReceipt,
  formatTlogProof,
  formatVkey,
  growTree,
  inclusionPath,
  leafHash,
  logId,
  parseVkey,
  rootAt,
  signatureLine,
  signNote,
  toBase64,
  toHex,
  type CommittedEvent,
  type NodeReader,
} from "@agentkeys/log";
import * as v from "valibot";
import { makeSigner, type LogFixture } from "../../src/index.ts";
import { makeRecord, makeUpkeep, readEpochs, writeEpochs, type FileLog, type Line } from "./file-log-upkeep.ts";
import { forever, turn, type HasFlaw } from "./schema.ts";

/** A log in a text file, a line a record; everything else is computed from the lines. Small logs only. */
async function open(host: PluginHost, has: HasFlaw): Promise<AuditLog> {
  const [file, lock] = [`${host.dataDirectory}/log.jsonl`, `${host.dataDirectory}/lock`];
  if (existsSync(lock) && !has("takes no lock"))
    throw new AgentKeysError("ERR_AUDIT_IN_USE", "the log is open", { path: lock });
  writeFileSync(lock, "");
  const epochs = readEpochs(host, `${new URL(host.publicUrl).host}/audit/00000000/1`);
  const current = epochs.length - 1;
  const indexKey = has("tags every log alike")
    ? new Uint8Array(32)
    : readOrMake(`${host.dataDirectory}/index-key`, host);
  const stored = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  const lines = stored.map((text) => JSON.parse(text) as Line);
  const linesOf = (epoch: number): readonly Line[] => lines.filter((line) => line.epoch === epoch);
  // Entries of earlier epochs have an index below 0.
  const indexOf = (place: number): number => place - lines.filter(({ epoch }) => epoch < current).length;
  if (has("loses the last record")) lines.pop();
  if (has("comes back in another order")) lines.reverse();
  let handle = openSync(file, "a");
  let isClosed = false;
  let isPoisoned = false;

  const made = new WeakMap<Line, CommittedEvent>();
  const entryOf = (line: Line): CommittedEvent => {
    const { event, salts, entry: left } = line;
    if (left !== undefined && !has("opens an erased record")) return { entry: fromHex(left), openings: [] };
    const entry =
      made.get(line) ??
      commitEvent(event, {
        random: (length) => fromHex(salts).slice(0, length),
        indexKey: has("tags every record anew") ? fromHex(salts).slice(0, 32) : indexKey,
      });
    made.set(line, entry);
    return entry;
  };
  const nodesOf = (epoch: number): NodeReader => {
    const { nodes } = growTree(
      0,
      [],
      linesOf(epoch).map((line) => leafHash(entryOf(line).entry)),
    );
    const known = new Map(nodes.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
    return (level, index) => known.get(`${level}/${index}`) ?? new Uint8Array(32);
  };
  const headAt = (size: number, nodeAt: NodeReader, epoch = current) => {
    const { origin, keys } = epochs[epoch] ?? { origin: "", keys: [] };
    const [newest, ...older] = keys.slice(has("forgets the old key at once") ? -1 : -2).toReversed();
    const vkey = formatVkey(origin, 1, makeSigner(newest ?? "").publicKey);
    const root = rootAt(size, nodeAt);
    const shown = has("says another root than it signs") ? new Uint8Array(32) : root;
    const { sign } = makeSigner(has("signs with another key") ? "another" : (newest ?? ""));
    const text = formatCheckpoint({ origin, size, root });
    const lineOf = (name: string): string => {
      const { publicKey, sign: signBytes } = makeSigner(name);
      return signatureLine(parseVkey(formatVkey(origin, 1, publicKey)), signBytes(Buffer.from(text)));
    };
    const note = signNote(text, parseVkey(vkey), sign) + older.map(lineOf).join("");
    return { origin, logId: toHex(logId(origin)), size, root: toBase64(shown), note, vkey };
  };
  const receiptOf = (ask: ReceiptAsk): string | undefined => {
    const found = lines.find(({ event }) => event.id === ask.record);
    const epoch = found?.epoch ?? current;
    const mine = linesOf(epoch);
    const {
      size = mine.length,
      cosignatures = [],
      anchors = [],
    } = has("ignores how a receipt is asked for") ? { ...ask, size: undefined, cosignatures: [] } : ask;
    const index = mine.findIndex((line) => line === found);
    const place = has("gives some receipt for every record") ? Math.max(index, 0) : index;
    const line = mine[place];
    const fits = Number.isSafeInteger(size) && size > place && size <= mine.length;
    if (line === undefined || (!fits && !has("takes the newest head for any size"))) return undefined;
    const used = fits ? size : mine.length;
    const { entry, openings } = entryOf(line);
    const nodeAt = nodesOf(epoch);
    const { note } = headAt(used, nodeAt, epoch);
    const path = inclusionPath(place, used, nodeAt);
    const wanted = has("opens everything") ? [5, 6, 9, 11, 12] : has("opens what it likes") ? [6, 9, 12] : ask.open;
    return formatReceipt({
      entry,
      tlogProof: formatTlogProof({ index: place, path, note: `${note}${cosignatures.join("")}` }),
      anchors,
      openings: openings.filter(({ key }) => wanted.includes(key)),
    });
  };
  const find = (event: AuditEvent): number | undefined => {
    const at = lines.findIndex((line) => line.event.id === event.id);
    const old = lines[at];
    if (old === undefined || has("appends what is there again")) return undefined;
    const isSame = has("keeps the first of two") || old.entry !== undefined || sorted(old.event) === sorted(event);
    if (!isSame) throw new AgentKeysError("ERR_AUDIT_CONFLICT", "the id has other contents", { record: event.id });
    return at;
  };
  const write = (event: AuditEvent): number => {
    const known = find(event);
    if (known !== undefined) return known;
    const drawn = has("salts with nothing") ? new Uint8Array(160) : host.random(160);
    let line: Line = { epoch: current, event: structuredClone(event), salts: toHex(drawn) };
    try {
      entryOf(line);
    } catch (error) {
      if (has("is poisoned by a bad event")) isPoisoned = true;
      if (has("crashes on a bad event")) throw new TypeError("bad event", { cause: error });
      if (error instanceof TypeError)
        throw new AgentKeysError("ERR_AUDIT_RECORD", "no event", { reason: "no event" }, { cause: error });
      throw error;
    }
    if (event.type === 52) line = { ...line, entry: toHex(entryOf(line).entry) };
    if (!has("keeps records in memory")) appendFileSync(handle, `${JSON.stringify(line)}\n`);
    return lines.push(line) - 1;
  };
  const enter = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    if (has("never ends an aborted call") && signal.aborted) await forever();
    if (has("never ends after close") && isClosed) await forever();
    checkOpen();
  };
  const checkOpen = (): void => {
    if (isClosed && !has("acknowledges after close"))
      throw new AgentKeysError("ERR_AUDIT_UNAVAILABLE", "the log is closed", { reason: "the log is closed" });
  };

  const replace = (next: readonly Line[]): void => {
    lines.splice(0, lines.length, ...next);
    if (has("erases until it is opened again")) return;
    closeSync(handle);
    writeFileSync(file, next.map((line) => `${JSON.stringify(line)}\n`).join(""));
    handle = openSync(file, "a");
  };
  const head: FileLog["head"] = () => headAt(linesOf(current).length, nodesOf(current));

  return {
    upkeep: makeUpkeep({
      host,
      has,
      epochs,
      lines: () => lines,
      replace,
      entryOf: (line) => entryOf(line).entry,
      nodesOf,
      noteOf: (epoch) => headAt(linesOf(epoch).length, nodesOf(epoch), epoch).note,
      write,
      enter,
      head,
    }),
    async append(events, call) {
      await enter(call);
      // It may have been closed since.
      checkOpen();
      if (isClosed) return events.map((_, index) => ({ index, receipt: "" }));
      if (isPoisoned) throw new AgentKeysError("ERR_AUDIT_RECORD", "bad batch", { reason: "bad batch" });
      if (has("logs the event")) host.log("info", "append", { agent: events[0]?.agent ?? "" });
      for (const event of events) checkEvent(event);
      const places = has("turns a batch around") ? events.toReversed().map(write).toReversed() : events.map(write);
      const { length: size } = linesOf(current);
      if (has("gives places before others")) await turn();
      return places.map((index, at) => ({
        index: has("gives places before others")
          ? lines.length - events.length + at
          : indexOf(index) + (has("counts from one") ? 1 : 0),
        receipt: receiptOf({ record: events[at]?.id ?? "", open: [6, 9, 12], size }) ?? "",
      }));
    },
    async head(call) {
      await enter(call);
      return headAt(linesOf(current).length, nodesOf(current));
    },
    async prove(from, to, call) {
      await enter(call);
      if (has("proves anything") || has("proves nothing")) return [];
      if (to > linesOf(current).length)
        throw new AgentKeysError("ERR_AUDIT_PROOF", "no such size", { reason: "no such size" });
      return consistencyPath(from, to, nodesOf(current)).map((hash) => toBase64(hash));
    },
    async receipt(ask, call) {
      await enter(call);
      return receiptOf(ask);
    },
    async read({ account, before = Infinity, limit }, call) {
      await enter(call);
      const views = lines.map(({ event }, place) => ({ event, index: indexOf(place) }));
      const mine = views.filter(({ event }) => has("shows everybody's") || event.account === account);
      const older = mine.filter(({ index }) => (has("repeats the last of a page") ? index <= before : index < before));
      const sortedViews = has("shows the oldest first") ? older : older.toReversed();
      return structuredClone(sortedViews.slice(0, has("ignores the limit") ? undefined : limit));
    },
    async find(record, call) {
      await enter(call);
      const place = lines.findIndex(({ event }) => event.id === record);
      const line = lines[place];
      if (line === undefined) return undefined;
      const index = indexOf(place);
      const event = structuredClone(line.event);
      if (has("finds less than there was")) return { index, event: { ...event, body: {} } };
      return { index: has("finds at another place") ? 0 : index, event };
    },
    ready: async () => ({ status: "ready" }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      closeSync(handle);
      rmSync(lock, { force: true });
    },
  };
}

async function startEpoch(host: PluginHost, has: HasFlaw): Promise<EpochStart> {
  const call = { requestId: "r", signal: new AbortController().signal, deadline: Infinity };
  const old = await open(host, (flaw) => flaw === "takes no lock" && has("begins an epoch of an open log"));
  const { origin, size, root } = await old.head(call);
  await old.close();
  const [instance = "", number] = origin.split("/").slice(-2);
  const name = has("begins an epoch under the old instance") ? instance : toCrockford(host.random(5));
  const next = origin.replace(/[^/]+\/\d+$/u, `${name}/${Number(number) + 1}`);
  const epochs = readEpochs(host, origin);
  const key = has("signs a new epoch with the old key") ? origin : next;
  writeEpochs(host, [...epochs, { origin: next, keys: [key] }]);
  const previous = { origin, size, root };
  const log = await open(host, has);
  const before = has("forgets what was before an epoch") ? size + 1 : size;
  const body = { origin, size: before, root: fromBase64(root) };
  await log.append([makeRecord(host, 52, body)], call);
  await log.close();
  return { origin: next, previous };
}

/** The log. */
export function makeLogFixture(has: HasFlaw = () => false): LogFixture {
  return {
    plugin: definePlugin({
      kind: "audit",
      name: "file",
      apiVersion: 1,
      capabilities: ["log"],
      config: v.strictObject({}),
      create: async (_section, host) => open(host, has),
      startEpoch: async (_section, host) => startEpoch(host, has),
    }),
    config: {},
  };
}

function checkEvent(event: unknown): void {
  if (typeof event === "object" && event !== null) return;
  throw new AgentKeysError("ERR_AUDIT_RECORD", "no event", { reason: "no event" });
}

function readOrMake(path: string, host: PluginHost): Uint8Array {
  if (!existsSync(path)) writeFileSync(path, host.random(32), { mode: 0o600 });
  return Uint8Array.from(readFileSync(path));
}

function sorted(event: AuditEvent): string {
  return JSON.stringify(Object.entries(event).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
