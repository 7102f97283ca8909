import type { Json } from "@agentkeys/core";

type Fields = Readonly<Record<string, Json>> | undefined;

/** Structured lines: one JSON object each. */
export interface Logger {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

/** Writes each line from `level` up to `write` (stderr of the program). */
export function createLogger(write: (line: string) => void, now: () => number): Logger {
  const line = (level: string) => (event: string, fields?: Fields) =>
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, event, ...fields })}\n`);
  return { debug: () => undefined, info: line("info"), warn: line("warn"), error: line("error") };
}
