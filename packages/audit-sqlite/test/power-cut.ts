import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Line } from "./run-appender.ts";

/** What happened to the disk, in order, and what was said meanwhile. */
export type TraceStep =
  | { readonly is: "write"; readonly name: string; readonly at: number; readonly bytes: Buffer }
  | { readonly is: "truncate"; readonly name: string; readonly length: number }
  | { readonly is: "sync"; readonly name: string }
  | { readonly is: "rename"; readonly name: string; readonly to: string }
  | { readonly is: "unlink"; readonly name: string }
  | { readonly is: "said"; readonly text: string };

/** The steps of a trace of test/faults/storage.c; one that was cut off is left out. */
export function parseTrace(trace: Buffer): readonly TraceStep[] {
  const steps: TraceStep[] = [];
  for (let at = 0; at < trace.length;) {
    const end = trace.indexOf("\n", at);
    if (end < 0) break;
    const [is, name = "", more = "", length = ""] = trace.toString("utf8", at, end).split(" ");
    const size = is === "write" ? Number(length) : is === "said" ? Number(name) : 0;
    const bytes = trace.subarray(end + 1, end + 1 + size);
    if (bytes.length < size) break;
    if (is === "write") steps.push({ is, name, at: Number(more), bytes });
    else if (is === "said") steps.push({ is, text: bytes.toString() });
    else if (is === "truncate") steps.push({ is, name, length: Number(more) });
    else if (is === "rename") steps.push({ is, name, to: more });
    else if (is === "sync" || is === "unlink") steps.push({ is, name });
    else throw new Error(`the trace has a step "${String(is)}"`);
    at = end + 1 + size;
  }
  return steps;
}

/** The whole lines that were said in these steps. */
export function linesOf(steps: readonly TraceStep[]): readonly Line[] {
  const text = steps.map((step) => (step.is === "said" ? step.text : "")).join("");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

interface DiskFile {
  bytes: Buffer;
  length: number;
  unsynced: (TraceStep & { readonly is: "write" | "truncate" })[];
}

const sector = 512;

/**
 * Writes into a folder what a disk has after these steps and a power cut: all that was synced; of every write since then each sector
 * or not, in any combination; and of new names since the folder was synced the first few or none. `chance` is from 0 to 1.
 * `isSynced` false is a disk that syncs nothing.
 */
export function cutPower(steps: readonly TraceStep[], folder: string, chance: () => number, isSynced = true): void {
  let names = new Map<string, DiskFile>();
  let durable = new Map(names);
  let changes: ((into: Map<string, DiskFile>) => void)[] = [];
  const change = (act: (into: Map<string, DiskFile>) => void): void => {
    act(names);
    changes.push(act);
  };
  for (const step of steps) {
    if (step.is === "write" || step.is === "truncate") {
      const { name } = step;
      if (!names.has(name)) {
        const made: DiskFile = { bytes: Buffer.alloc(0), length: 0, unsynced: [] };
        change((into) => into.set(name, made));
      }
      names.get(name)?.unsynced.push(step);
    } else if (step.is === "rename") {
      const moved = names.get(step.name);
      change((into) => {
        into.delete(step.name);
        if (moved !== undefined) into.set(step.to, moved);
      });
    } else if (step.is === "unlink") change((into) => into.delete(step.name));
    else if (step.is === "sync" && isSynced) {
      if (step.name === ".") {
        durable = new Map(names);
        changes = [];
      }
      const file = names.get(step.name);
      if (file !== undefined) {
        for (const one of file.unsynced) apply(file, one, () => true);
        file.unsynced = [];
      }
    }
  }
  for (const act of changes.slice(0, Math.floor(chance() * (changes.length + 1)))) act(durable);
  names = durable;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, file] of names) {
    for (const one of file.unsynced) apply(file, one, () => chance() < 0.5);
    writeFileSync(join(folder, name), file.bytes.subarray(0, file.length), { mode: 0o600 });
  }
}

/** Does a step to the file; of a write, each sector for which `isKept` says so. */
function apply(file: DiskFile, step: DiskFile["unsynced"][number], isKept: () => boolean): void {
  if (step.is === "truncate") {
    if (!isKept()) return;
    grow(file, step.length);
    file.bytes.fill(0, step.length);
    file.length = step.length;
    return;
  }
  for (let from = 0; from < step.bytes.length;) {
    const to = Math.min((Math.floor((step.at + from) / sector) + 1) * sector - step.at, step.bytes.length);
    if (isKept()) {
      grow(file, step.at + to);
      step.bytes.copy(file.bytes, step.at + from, from, to);
    }
    from = to;
  }
}

function grow(file: DiskFile, length: number): void {
  file.length = Math.max(file.length, length);
  if (file.bytes.length >= length) return;
  const larger = Buffer.alloc(2 * length);
  file.bytes.copy(larger);
  file.bytes = larger;
}
