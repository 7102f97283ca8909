import type { Verdict } from "./verdict.ts";

/** What a verdict has to reach: a valid receipt, or one whose head a quorum and at least `witnesses` witnesses cosigned. */
export type Requirement = { readonly level: "signed" } | { readonly level: "witnessed"; readonly witnesses: number };

/**
 * The requirement of `signed`, `witnessed` (at least one) or `witnessed:K` (at least K); undefined for other text.
 *
 * @example parseRequirement("witnessed:2") // { level: "witnessed", witnesses: 2 }
 */
export function parseRequirement(text: string): Requirement | undefined {
  if (text === "signed") return { level: "signed" };
  const [, count = "1"] = /^witnessed(?::([1-9][0-9]{0,2}))?$/u.exec(text) ?? [text, ""];
  return count === "" ? undefined : { level: "witnessed", witnesses: Number(count) };
}

/** True when the verdict reaches the requirement. Never for an invalid receipt. */
export function isMet(verdict: Verdict, requirement: Requirement): boolean {
  if (verdict.level === "INVALID") return false;
  if (requirement.level === "signed") return true;
  return verdict.level === "WITNESSED" && verdict.witnesses.length >= requirement.witnesses;
}
