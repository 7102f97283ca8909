import { Outcome, recordTypeName, toHex } from "@agentkeys/log";
import type { ReceiptFacts, Verdict } from "./verdict.ts";

const outcomes = new Map<number, string>(Object.entries(Outcome).map(([name, outcome]) => [outcome, name]));

/** A verdict as JSON data with snake_case members, instants in RFC 3339; `met` says whether the requirement is reached. */
export function reportJson(verdict: Verdict, met: boolean): Record<string, unknown> {
  if (verdict.level === "INVALID") {
    return { level: verdict.level, met: false, reason: verdict.reason, not_proven: verdict.notProven };
  }
  return {
    level: verdict.level,
    met,
    witnesses: verdict.witnesses.map(({ name, timestamp }) => ({ name, cosigned_at: instant(timestamp * 1000) })),
    quorum_met: verdict.quorumMet,
    facts: describeFacts(verdict.facts),
    not_proven: verdict.notProven,
  };
}

/** A verdict as lines for a person. Text that comes from the receipt is quoted, so that it cannot move a terminal's cursor. */
export function reportText(verdict: Verdict): string {
  const lines =
    verdict.level === "INVALID"
      ? [`INVALID: ${show(verdict.reason)}`]
      : [
          verdict.level === "WITNESSED" ? `WITNESSED(${verdict.witnesses.length})` : "SIGNED",
          "",
          "Proven:",
          ...Object.entries(describeFacts(verdict.facts)).map(
            ([name, value]) => `  ${name.replaceAll("_", " ")}: ${show(value)}`,
          ),
          ...verdict.witnesses.map(
            ({ name, timestamp }) => `  cosigned by ${show(name)} at ${instant(timestamp * 1000)}`,
          ),
        ];
  return [...lines, "", "Not proven:", ...verdict.notProven.map((line) => `  - ${line}`), ""].join("\n");
}

function describeFacts({ origin, size, index, record, opened }: ReceiptFacts): Record<string, unknown> {
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
function instant(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
}

// JSON leaves the control characters U+007F to U+009F and the ones that turn the writing direction as they are.
function show(value: unknown): string {
  const text = typeof value === "string" && /^[ -~]*$/u.test(value) ? value : JSON.stringify(value);
  return text.replace(/[^ -~]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
