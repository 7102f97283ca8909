import type { Json } from "@agentkeys/core";
import { redact, redactFields } from "./redact.ts";

type Fields = Readonly<Record<string, Json>> | undefined;

/** Levels of the log, from the most talkative on. */
export const logLevels = ["debug", "info", "warn", "error"] as const;
/** A level: lines of it and of those after it are written. */
export type LogLevel = (typeof logLevels)[number];

/** Structured lines: one JSON object each. */
export interface Logger {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** False for a level that is not written: then nobody needs to put its fields together. */
  writes(level: LogLevel): boolean;
}

/**
 * Writes each line from `level` (default info) on to `write` (stderr of the program). Whatever looks like a token, a proof, a
 * signature or a code is taken out of every line.
 */
export function createLogger(write: (line: string) => void, now: () => number, level: LogLevel = "info"): Logger {
  const from = logLevels.indexOf(level);
  const line =
    (name: LogLevel) =>
    (event: string, fields?: Fields): void => {
      if (logLevels.indexOf(name) < from) return;
      const facts = fields === undefined ? {} : redactFields(fields);
      write(
        `${JSON.stringify({ time: new Date(now()).toISOString(), level: name, event: redact(event), ...facts })}\n`,
      );
    };
  return {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    writes: (name) => logLevels.indexOf(name) >= from,
  };
}
