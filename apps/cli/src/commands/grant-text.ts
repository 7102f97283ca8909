import type * as v from "valibot";
import { printable } from "../table.ts";
import type { explanationSchema, grantSchema } from "../wire.ts";

/** What each layer's refusal means, for a person who does not know the broker's insides. */
const layers: Readonly<Record<string, string>> = {
  agent: "the agent is not paired any more",
  grant: "no live grant of this agent contains it",
  rights: "the account that made the grant may not hand this out",
  ceiling: "the operator has set a lower limit for everybody",
  constraint: "the grant is there, but one of its limits is reached",
  issuer: "the issuer does not make such credentials",
};

/** The lines of a grant. */
export function formatGrant(grant: v.InferOutput<typeof grantSchema>): readonly string[] {
  return [
    `grant    ${grant.id}`,
    `agent    ${grant.agent}`,
    `may ask  ${grant.issuer}: ${formatScopeLine(grant.scope)}`,
    `limits   ${formatLimits(grant.constraints)}`,
  ];
}

/** The limits of a grant in one line. */
export function formatLimits(constraints: v.InferOutput<typeof grantSchema>["constraints"]): string {
  const { max_uses: uses, max_ttl: ttl, expires_at: until, budget: { units, seconds } = {} } = constraints;
  const limits = [
    ...(ttl === undefined ? [] : [`at most ${formatSeconds(ttl)} each`]),
    ...(uses === undefined ? [] : [`${uses} uses`]),
    ...(units === undefined ? [] : [`${units} units in all`]),
    ...(seconds === undefined ? [] : [`${formatSeconds(seconds)} in all`]),
    ...(until === undefined ? [] : [`until ${until}`]),
  ];
  return limits.length === 0 ? "none of its own" : limits.join(", ");
}

/** What was used of a grant's budget, and all of it; undefined without one. */
export function formatBudget({
  constraints: { budget = {} },
  used = {},
}: v.InferOutput<typeof grantSchema>): string | undefined {
  const parts = [
    ...(budget.units === undefined ? [] : [`${used.units ?? 0}/${budget.units} units`]),
    ...(budget.seconds === undefined ? [] : [`${used.seconds ?? 0}/${budget.seconds} s`]),
  ];
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** The lines of an explanation: yes, or the layer that refuses, why, and what would be allowed. */
export function formatExplanation(answer: v.InferOutput<typeof explanationSchema>): readonly string[] {
  const { allowed, layer = "unknown", reason, grant, would_allow: alternatives } = answer;
  if (allowed) return [grant === undefined ? "allowed" : `allowed by ${grant}`];
  const meaning = layers[layer];
  return [
    `refused by the ${printable(layer)} layer${meaning === undefined ? "" : `: ${meaning}`}`,
    `reason: ${printable(reason)}`,
    ...(alternatives.length === 0 ? ["nothing would be allowed: ask the person for a grant"] : ["would be allowed:"]),
    ...alternatives.map(({ issuer, scope, max_ttl: ttl, left = {} }) => {
      const most = ttl === undefined ? "" : `, at most ${formatSeconds(ttl)}`;
      const rest = Object.entries(left).map(([limit, count]) => `, ${count} ${limit} left`);
      return `  ${issuer}: ${formatScopeLine(scope)}${most}${rest.join("")}`;
    }),
  ];
}

/** A scope in one line. */
export function formatScopeLine(scope: {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}): string {
  return `${printable(scope.actions.join(", "))} on ${printable(scope.resources.join(", "))}`;
}

/** `600` as `10m`. */
export function formatSeconds(seconds: number): string {
  for (const [unit, length] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}
