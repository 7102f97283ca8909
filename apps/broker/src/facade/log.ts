import * as v from "valibot";
import {
  isAgentKeysError,
  type AuditEvent,
  type AuditLog,
  type AuditPosition,
  type AuditView,
  type Readiness,
  type ReceiptAsk,
  type TreeHead,
} from "@agentkeys/core";
import { readiness, type Guard } from "./guard.ts";

/** The audit log as the steps see it. */
export interface LogFacade {
  readonly name: string;
  append(event: AuditEvent, requestId: string): Promise<AuditPosition>;
  head(requestId: string): Promise<TreeHead & { readonly vkey: string }>;
  prove(from: number, to: number, requestId: string): Promise<readonly string[]>;
  receipt(ask: ReceiptAsk, requestId: string): Promise<string | undefined>;
  read(
    query: { readonly account: string; readonly before?: number; readonly limit: number },
    requestId: string,
  ): Promise<readonly AuditView[]>;
  find(record: string, requestId: string): Promise<AuditView | undefined>;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

/** `onFatal` is told when the log's storage failed: SQLite keeps committing after a failed fsync, so the process must end. */
export function createLogFacade(name: string, log: AuditLog, guard: Guard, onFatal: (error: Error) => void): LogFacade {
  const run: Guard["run"] = async (method, requestId, act) => {
    try {
      return await guard.run(method, requestId, act);
    } catch (error) {
      if (isAgentKeysError(error, "ERR_AUDIT_STORAGE")) onFatal(error);
      throw error;
    }
  };
  return {
    name,
    async append(event, requestId) {
      const positions = await run("append", requestId, (call) => log.append([event], call));
      return guard.read("append", onePosition, positions)[0];
    },
    head: async (requestId) => guard.read("head", signedHead, await run("head", requestId, (call) => log.head(call))),
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
const signedHead = v.object({
  origin: v.string(),
  logId: v.string(),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  root: v.string(),
  note: v.string(),
  vkey: v.string(),
});

function isObjectText(text: string): boolean {
  try {
    return text.startsWith("{") && typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
