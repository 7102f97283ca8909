import { resolve } from "node:path";
import type { AuditLog, Call, PluginHost } from "@agentkeys/core";
import { recordError } from "./errors.ts";
import { identityRandomBytes, type ReadMethod } from "./protocol.ts";
import type { AuditSqliteConfig } from "./index.ts";
import { LogThread } from "./log-thread.ts";

const longestAppend = 1_048_576;

/**
 * Opens the log in a thread of its own. Throws ERR_AUDIT_IN_USE, ERR_AUDIT_LOG_KEY, ERR_CONFIG_KEY_FILE or ERR_AUDIT_STORAGE.
 *
 * A call rejected with ERR_AUDIT_STORAGE means that the storage failed: nothing more is acknowledged, `ready` says so, every
 * further call is ERR_AUDIT_UNAVAILABLE, and the process has to end.
 *
 * `mostPerCommit` is how many callers' events go into one transaction at most; only a benchmark sets it.
 */
export async function openLog(config: AuditSqliteConfig, host: PluginHost, mostPerCommit = 1024): Promise<AuditLog> {
  const folder = host.dataDirectory;
  const start = { file: resolve(folder, config.file), folder, host: new URL(host.publicUrl).host, mostPerCommit };
  const thread = await LogThread.open({ ...start, random: host.random(identityRandomBytes) }, host);
  const read = async <Result>(method: ReadMethod, question: unknown, call: Call): Promise<Result> =>
    (await thread.read(method, question, call)) as Result;
  return {
    append: async (events, call) => (await thread.append(toText(events), events.length, call)) as never,
    head: async (call) => read("head", undefined, call),
    prove: async (from, to, call) => read("prove", [from, to], call),
    receipt: async (ask, call) => read("receipt", ask, call),
    read: async (query, call) => read("read", query, call),
    find: async (record, call) => read("find", record, call),
    async ready(call) {
      try {
        await read("ping", undefined, call);
        return { status: "ready" };
      } catch (error) {
        return { status: "unready", reason: thread.stopped ?? (error as Error).message };
      }
    },
    close: async () => thread.close(),
  };
}

/** JSON text of the events: what cannot be written as JSON is no event. */
function toText(events: readonly unknown[]): string {
  let text = "";
  try {
    text = JSON.stringify(events);
  } catch (error) {
    throw recordError("the events are not JSON data", error);
  }
  if (text.length > longestAppend) throw recordError("the events are over 1 MiB");
  return text;
}
