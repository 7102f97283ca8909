import * as v from "valibot";
import {
  isAgentKeysError,
  type AuditEvent,
  type AuditLog,
  type AuditPosition,
  type AuditView,
  type LogEpoch,
  type Readiness,
  type ReceiptAsk,
  type TreeHead,
} from "@agentkeys/core";
import { readiness, type Guard } from "./guard.ts";
import { createUpkeepFacade, headEntries, isOfItsNote, type UpkeepFacade } from "./log-upkeep.ts";

/** The audit log as the steps see it. */
export interface LogFacade {
  readonly name: string;
  /** Records in the log, as of its last answer. */
  readonly size: number;
  append(event: AuditEvent, requestId: string): Promise<AuditPosition>;
  head(requestId: string): Promise<TreeHead & { readonly vkey: string }>;
  prove(from: number, to: number, requestId: string): Promise<readonly string[]>;
  receipt(ask: ReceiptAsk, requestId: string): Promise<string | undefined>;
  read(
    query: { readonly account: string; readonly before?: number; readonly limit: number },
    requestId: string,
  ): Promise<readonly AuditView[]>;
  find(record: string, requestId: string): Promise<AuditView | undefined>;
  /** Every epoch whose tiles can be had here; none of a log without upkeep. */
  epochs(requestId: string): Promise<readonly LogEpoch[]>;
  /** A resource of C2SP tlog-tiles, undefined where there is none. */
  tile(logId: string, path: string, requestId: string): Promise<Uint8Array | undefined>;
  /** What keeps the log over the years, where it has that. */
  readonly upkeep: UpkeepFacade | undefined;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

/** `onFatal` is told when the log's storage failed: SQLite keeps committing after a failed fsync, so the process must end. */
export function createLogFacade(name: string, log: AuditLog, guard: Guard, onFatal: (error: Error) => void): LogFacade {
  const run: Guard["run"] = async (method, requestId, act, patience) => {
    try {
      return await guard.run(method, requestId, act, patience);
    } catch (error) {
      if (isAgentKeysError(error, "ERR_AUDIT_STORAGE")) onFatal(error);
      throw error;
    }
  };
  let size = 0;
  return {
    name,
    get size() {
      return size;
    },
    async append(event, requestId) {
      const positions = await run("append", requestId, (call) => log.append([event], call));
      const [position] = guard.read("append", onePosition, positions);
      size = Math.max(size, position.index + 1);
      return position;
    },
    async head(requestId) {
      const head = guard.read("head", headWithKey, await run("head", requestId, (call) => log.head(call)));
      size = Math.max(size, head.size);
      return head;
    },
    prove: async (from, to, requestId) =>
      guard.read("prove", texts, await run("prove", requestId, (call) => log.prove(from, to, call))),
    receipt: async (ask, requestId) =>
      guard.read("receipt", maybeReceipt, await run("receipt", requestId, (call) => log.receipt(ask, call))),
    async read(query, requestId) {
      const views = await run("read", requestId, (call) => log.read(query, call));
      if (guard.read("read", anyList, views).length > query.limit) throw guard.breach("read gave more than was asked");
      if (views.some((view) => view?.event?.account !== query.account))
        throw guard.breach("read gave a record of another account");
      return views;
    },
    async find(record, requestId) {
      const view = await run("find", requestId, (call) => log.find(record, call));
      if (view !== undefined && view?.event?.id !== record) throw guard.breach("find gave another record");
      return view;
    },
    async epochs(requestId) {
      const { upkeep } = log;
      if (upkeep === undefined) return [];
      return guard.read("epochs", epochList, await run("epochs", requestId, (call) => upkeep.epochs(call)));
    },
    async tile(logId, path, requestId) {
      const { upkeep } = log;
      if (upkeep === undefined) return undefined;
      const bytes = await run("tile", requestId, (call) => upkeep.tile(logId, path, call));
      if (bytes !== undefined && !(bytes instanceof Uint8Array)) throw guard.breach("tile gave no bytes");
      return bytes;
    },
    upkeep: log.upkeep === undefined ? undefined : createUpkeepFacade(log.upkeep, { ...guard, run }),
    ready: async (requestId) =>
      guard.read("ready", readiness, await run("ready", requestId, (call) => log.ready(call))),
    close: () => log.close(),
  };
}

/** A receipt goes out as the text it is, inside the answer: it must be an object's, or it could end the answer early. */
const receiptText = v.pipe(v.string(), v.check(isObjectText));
const onePosition = v.strictTuple([v.object({ index: v.pipe(v.number(), v.safeInteger()), receipt: receiptText })]);
const maybeReceipt = v.optional(receiptText);
const texts = v.array(v.string());
const anyList = v.array(v.unknown());
const headWithKey = v.pipe(
  v.object({ ...headEntries, vkey: v.string() }),
  v.check((head) => isOfItsNote(head)),
);

const epochList = v.array(
  v.object({
    origin: v.string(),
    logId: v.string(),
    vkeys: v.array(v.string()),
    size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  }),
);

function isObjectText(text: string): boolean {
  try {
    return text.startsWith("{") && typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
