import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { AuditLog, Call, EpochStart, LogUpkeep, PluginHost } from "@agentkeys/core";
import { recordError, unavailableError } from "./errors.ts";
import { identityRandomBytes, keyRandomBytes, type Method, type WorkerStart } from "./protocol.ts";
import type { AuditSqliteConfig } from "./index.ts";
import { LogThread } from "./log-thread.ts";

const longestAppend = 1_048_576;
const longestEpochStart = 300_000;

/**
 * Opens the log in a thread of its own. Throws ERR_AUDIT_IN_USE, ERR_AUDIT_LOG_KEY, ERR_CONFIG_KEY_FILE or ERR_AUDIT_STORAGE.
 *
 * A call rejected with ERR_AUDIT_STORAGE means that the storage failed: nothing more is acknowledged, `ready` says so, every
 * further call is ERR_AUDIT_UNAVAILABLE, and the process has to end.
 *
 * `mostPerCommit` is how many callers' events go into one transaction at most; only a benchmark sets it.
 */
export async function openLog(config: AuditSqliteConfig, host: PluginHost, mostPerCommit = 1024): Promise<AuditLog> {
  const thread = await LogThread.open(startOf(config, host, mostPerCommit), host);
  const ask = async <Result>(method: Method, question: unknown, call: Call): Promise<Result> =>
    (await thread.ask(method, question, call)) as Result;
  const upkeep: LogUpkeep = {
    epochs: async (call) => ask("epochs", undefined, call),
    tile: async (logId, path, call) => ask("tile", [logId, path], call),
    erase: async (account, call) => ask("erase", account, call),
    rotateKey: async (call) => ask("rotateKey", keyTools(host), call),
    backup: async (directory, call) => ask("backup", directory, call),
  };
  return {
    append: async (events, call) => (await thread.append(toText(events), events.length, call)) as never,
    head: async (call) => ask("head", undefined, call),
    prove: async (from, to, call) => ask("prove", [from, to], call),
    receipt: async (question, call) => ask("receipt", question, call),
    read: async (query, call) => ask("read", query, call),
    find: async (record, call) => ask("find", record, call),
    upkeep,
    async ready(call) {
      try {
        await ask("ping", undefined, call);
        return { status: "ready" };
      } catch (error) {
        return { status: "unready", reason: thread.stopped ?? (error as Error).message };
      }
    },
    close: async () => thread.close(),
  };
}

/**
 * Begins the next epoch of a log that no process has open. Throws as {@link openLog}, and ERR_AUDIT_UNAVAILABLE where there is no
 * log. Cut short, the log is in the old epoch or, with entry 0, in the new one.
 */
export async function startEpoch(config: AuditSqliteConfig, host: PluginHost): Promise<EpochStart> {
  const start = startOf(config, host, 1);
  if (!existsSync(start.file)) throw unavailableError("there is no log of which this would be the next epoch");
  const thread = await LogThread.open(start, host);
  const signal = AbortSignal.timeout(longestEpochStart);
  const call = { requestId: "start-epoch", signal, deadline: host.now() + longestEpochStart };
  try {
    return (await thread.ask("startEpoch", keyTools(host), call)) as EpochStart;
  } finally {
    await thread.close();
  }
}

function startOf(config: AuditSqliteConfig, host: PluginHost, mostPerCommit: number): WorkerStart {
  const folder = host.dataDirectory;
  const file = resolve(folder, config.file);
  const random = host.random(identityRandomBytes);
  return { file, folder, host: new URL(host.publicUrl).host, random, mostPerCommit };
}

function keyTools(host: PluginHost): { readonly time: number; readonly random: Uint8Array } {
  return { time: host.now(), random: host.random(keyRandomBytes) };
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
