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
import type { Guard } from "./guard.ts";

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
  return {
    name,
    async append(event, requestId) {
      try {
        const [position] = await guard.run("append", requestId, (call) => log.append([event], call));
        if (position === undefined || !Number.isSafeInteger(position.index) || typeof position.receipt !== "string") {
          throw guard.breach("append gave no position");
        }
        return position;
      } catch (error) {
        if (isAgentKeysError(error, "ERR_AUDIT_STORAGE")) onFatal(error);
        throw error;
      }
    },
    head: (requestId) => guard.run("head", requestId, (call) => log.head(call)),
    prove: (from, to, requestId) => guard.run("prove", requestId, (call) => log.prove(from, to, call)),
    receipt: (ask, requestId) => guard.run("receipt", requestId, (call) => log.receipt(ask, call)),
    async read(query, requestId) {
      const views = await guard.run("read", requestId, (call) => log.read(query, call));
      if (views.some((view) => view.event.account !== query.account))
        throw guard.breach("read gave a record of another account");
      return views;
    },
    find: (record, requestId) => guard.run("find", requestId, (call) => log.find(record, call)),
    ready: (requestId) => guard.run("ready", requestId, (call) => log.ready(call)),
    close: () => log.close(),
  };
}
