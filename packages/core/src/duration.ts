import type { StandardSchemaV1 } from "@standard-schema/spec";

const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Seconds of a TOML duration such as `"1h"`, `"90s"`, `"50ms"`, or undefined for text of another form.
 *
 * @example parseDuration("15m") // 900
 */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/u.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : units[unit];
  return number === undefined || seconds === undefined ? undefined : Number(number) * seconds;
}

/** Every issue of a Standard Schema as `path: message`, e.g. `audit.base.rpc_url: expected an https URL`. */
export function formatIssues(section: string, issues: readonly StandardSchemaV1.Issue[]): readonly string[] {
  return issues.map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
    const place = (section === "" ? path : [section, ...path]).join(".");
    return `${place === "" ? "(root)" : place}: ${issue.message}`;
  });
}
