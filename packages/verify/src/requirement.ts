import type { Verdict } from "./verdict.ts";

/**
 * What a verdict has to reach: a valid receipt or log; a head that a quorum and at least `witnesses` witnesses cosigned; one of which at
 * least `anchors` anchors have final evidence.
 */
export type Requirement =
  | { readonly level: "signed" }
  | { readonly level: "witnessed"; readonly witnesses: number }
  | { readonly level: "anchored"; readonly anchors: number };

/** What of a verdict counts: of a receipt's, or of a whole log's with its anchors that are final. */
export interface Reached {
  readonly level: string;
  readonly quorumMet?: boolean;
  readonly witnesses?: readonly unknown[];
  readonly finalAnchors?: number;
}

/**
 * The requirement of `signed`, `witnessed` or `anchored` (by at least one), `witnessed:K` or `anchored:K` (by at least K); undefined for
 * other text.
 *
 * @example parseRequirement("witnessed:2") // { level: "witnessed", witnesses: 2 }
 */
export function parseRequirement(text: string): Requirement | undefined {
  if (text === "signed") return { level: "signed" };
  const [, level, count = "1"] = /^(witnessed|anchored)(?::([1-9][0-9]{0,2}))?$/u.exec(text) ?? [];
  if (level === "witnessed") return { level, witnesses: Number(count) };
  return level === "anchored" ? { level, anchors: Number(count) } : undefined;
}

/** True when the verdict on a receipt reaches the requirement. Never for an invalid receipt. */
export function isMet(verdict: Verdict, requirement: Requirement): boolean {
  if (verdict.level === "INVALID") return false;
  return isReached({ ...verdict, finalAnchors: countFinal(verdict.anchors) }, requirement);
}

/** True when what counts of a verdict reaches the requirement. Never below SIGNED. */
export function isReached(reached: Reached, requirement: Requirement): boolean {
  const { level, quorumMet = false, witnesses = [], finalAnchors = 0 } = reached;
  if (level !== "SIGNED" && level !== "WITNESSED" && level !== "ANCHORED") return false;
  if (requirement.level === "witnessed") return quorumMet && witnesses.length >= requirement.witnesses;
  return requirement.level === "signed" || finalAnchors >= requirement.anchors;
}

/** How many anchors are final. */
export function countFinal(anchors: readonly { readonly finality: number }[]): number {
  return anchors.filter(({ finality }) => finality === 4).length;
}
