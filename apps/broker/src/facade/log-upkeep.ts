import * as v from "valibot";
import type { LogUpkeep, TreeHead } from "@agentkeys/core";
import { toBase64 } from "@agentkeys/log";
import { checkpointOf } from "../ops/rewind.ts";
import type { Guard } from "./guard.ts";

/** The slow work on the log, each call with a deadline and its answer checked. */
export interface UpkeepFacade {
  /** Deletes what opens an account's records. Idempotent. */
  erase(account: string, requestId: string): Promise<void>;
  rotateKey(requestId: string): Promise<string>;
  backup(directory: string, requestId: string): Promise<TreeHead>;
}

/** A copy of a large log takes its time, in milliseconds. */
const copyPatience = 3_600_000;

/** Puts the facade before a log's upkeep. */
export function createUpkeepFacade(upkeep: LogUpkeep, guard: Pick<Guard, "run" | "read">): UpkeepFacade {
  return {
    erase: async (account, requestId) => guard.run("erase", requestId, (call) => upkeep.erase(account, call)),
    rotateKey: async (requestId) =>
      guard.read("rotateKey", v.string(), await guard.run("rotateKey", requestId, (call) => upkeep.rotateKey(call))),
    backup: async (directory, requestId) => {
      const act = (call: Parameters<LogUpkeep["backup"]>[1]): Promise<TreeHead> => upkeep.backup(directory, call);
      return guard.read("backup", signedHead, await guard.run("backup", requestId, act, copyPatience));
    },
  };
}

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The members of a tree head. */
export const headEntries = { origin: v.string(), logId: v.string(), size, root: v.string(), note: v.string() };
const signedHead = v.pipe(
  v.object(headEntries),
  v.check((head) => isOfItsNote(head)),
);

/** True when a head says the same as its note, which is what others are shown. */
export function isOfItsNote({ origin, size: records, root, note }: Omit<TreeHead, "logId">): boolean {
  try {
    const signed = checkpointOf(note);
    return signed.origin === origin && signed.size === records && toBase64(signed.root) === root;
  } catch {
    return false;
  }
}
