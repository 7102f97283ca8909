import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentKeysError } from "@agentkeys/core";
import type { LogFacade } from "../facade/log.ts";
import { readFileIfThere, replaceFile } from "../files/durable.ts";
import type { Logger } from "./logger.ts";

/** The newest head of the log that is known outside of data_dir: its signed note, verbatim. */
export interface HighWaterFile {
  readonly path: string;
  /** Undefined where there is no file yet. */
  read(): Promise<string | undefined>;
  /** Resolves when the note survives a crash of the machine. */
  write(note: string): Promise<void>;
}

/** The file in `directory`, which is made with mode 0700. Throws ERR_CONFIG_INVALID where that cannot be. */
export async function openHighWaterFile(directory: string): Promise<HighWaterFile> {
  const path = join(directory, "high-water");
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const issue = `broker.high_water_dir: ${directory} cannot be used: ${messageOf(cause)}`;
    throw new AgentKeysError("ERR_CONFIG_INVALID", issue, { issues: [issue] }, { cause });
  }
  return { path, read: () => readFileIfThere(path), write: (note) => replaceFile(path, note) };
}

/** Keeps the file close behind the log, off the way of every request. */
export interface HighWater {
  readonly path: string;
  /** The log, watched: each append tells how far the file has to come. */
  readonly log: LogFacade;
  /** Why nothing may be issued; undefined while the file keeps up. */
  readonly reason: string | undefined;
  /** Throws ERR_AUDIT_UNAVAILABLE while the file stays too far behind: then a restored old log would go unseen. */
  assertKept(): void;
  /** Brings the file up to the log. Nothing is kept afterwards. */
  close(): Promise<void>;
}

/** Half of what the file may be behind: the rest is for the write itself. */
const mostRecords = 500;
const longestDelay = 500;
/** So long after a record without a written file nothing is issued any more, in milliseconds. */
const longestHold = 10_000;

interface HighWaterParts {
  readonly file: HighWaterFile;
  readonly log: LogFacade;
  readonly logger: Logger;
  /** Milliseconds of a clock that only goes forward: a wall clock that is set must not look like a file that is not written. */
  readonly now: () => number;
  /** Told of a failed write: a storage that fails once is not to be trusted again, so the process ends. */
  readonly onFatal: (error: Error) => void;
}

/** Keeps `file` at most a second or 1,000 records behind the log. */
export function createHighWater({ file, log, logger, now, onFatal }: HighWaterParts): HighWater {
  let newest = 0;
  let written = 0;
  /** When the oldest record came that no written head covers. */
  let behindSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  async function write(): Promise<void> {
    const begun = now();
    const { size, note } = await log.head("high-water");
    await file.write(note).catch((cause: unknown) => {
      const reason = `${file.path} cannot be written: ${messageOf(cause)}`;
      const fault = new AgentKeysError("ERR_AUDIT_STORAGE", reason, { reason }, { cause });
      onFatal(fault);
      throw fault;
    });
    written = size;
    behindSince = newest > written ? begun : undefined;
  }

  function tellReason(): string | undefined {
    const isLate = behindSince !== undefined && now() - behindSince > longestHold;
    return isLate ? `${file.path} has not been written for ${longestHold / 1000} seconds` : undefined;
  }

  function grew(size: number): void {
    if (size <= newest) return;
    newest = size;
    behindSince ??= now();
    if (running !== undefined) return;
    if (newest - written >= mostRecords) start();
    else wait();
  }

  /** Writes until the file is near enough; a failed turn waits. */
  async function turn(): Promise<void> {
    try {
      do await write();
      while (newest - written >= mostRecords);
    } catch (error) {
      logger.warn("high_water.waits", { reason: messageOf(error) });
    }
    running = undefined;
    if (newest > written) wait();
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    running ??= turn();
  }

  function wait(): void {
    timer ??= setTimeout(start, longestDelay).unref();
  }

  return {
    path: file.path,
    log: {
      ...log,
      get size() {
        return log.size;
      },
      async append(event, requestId) {
        const position = await log.append(event, requestId);
        grew(position.index + 1);
        return position;
      },
    },
    get reason() {
      return tellReason();
    },
    assertKept() {
      const reason = tellReason();
      if (reason !== undefined) throw new AgentKeysError("ERR_AUDIT_UNAVAILABLE", reason, { reason });
    },
    async close() {
      await running;
      clearTimeout(timer);
      // A head that does not come leaves the file behind the log, which is no harm.
      if (newest > written)
        await write().catch((error: unknown) => logger.warn("high_water.waits", { reason: messageOf(error) }));
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
