import { Outcome, recordTypeName, toHex } from "@agentkeys/log";
import type { ReceiptFacts } from "./verdict.ts";

const outcomes = new Map<number, string>(Object.entries(Outcome).map(([name, outcome]) => [outcome, name]));

/** The facts of a receipt as JSON data with snake_case members, absent ones left out. */
export function describeFacts({ origin, size, index, record, opened }: ReceiptFacts): Record<string, unknown> {
  const [from, to] = record.validity ?? [];
  return withoutUndefined({
    log: origin,
    size,
    index,
    record: record.id,
    time: instant(record.time),
    type: recordTypeName(record.type),
    outcome: outcomes.get(record.outcome),
    ...opened,
    issuer: record.issuer,
    valid_from: from === undefined ? undefined : instant(from * 1000),
    valid_to: to === undefined ? undefined : instant(to * 1000),
    policy: record.policy === undefined ? undefined : toHex(record.policy),
    wallet_tag: record.wallet === undefined ? undefined : toHex(record.wallet),
    parent: record.parent,
    code: record.code,
  });
}

function withoutUndefined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** RFC 3339 in UTC; the bare number of milliseconds where it is past what a calendar date can say. */
export function instant(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
}

/** Text for a terminal: whatever is not printable ASCII, or the dash that a note's signature begins with, is quoted. */
export function show(value: unknown): string {
  const text = typeof value === "string" && /^[ -~—]*$/u.test(value) ? value : JSON.stringify(value);
  // JSON leaves the control characters U+007F to U+009F and the ones that turn the writing direction as they are.
  return text.replace(/[^ -~—]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
