import type { Scope } from "@agentkeys/core";

interface Statement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: readonly string[] } };
}

/** Actions that IAM asks of a bucket, and that a scope may mean of what is in it: what they show is under a prefix. */
const listings: readonly string[] = ["s3:ListBucket", "s3:ListBucketVersions"];
const object = /^(arn:[a-z-]+:s3:::[^/*]+)\/(.+)$/u;

/**
 * The session policy of a scope: what it allows is within the scope. Each action goes with the resources of its own service. IAM's `*`
 * also stands for nothing where a grant's does not, so it is written `?*`. Listing what is in a bucket is allowed for the prefixes that
 * the resources name.
 *
 * @example
 * formatPolicy({ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/2026/*"] });
 * // {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::reports/2026/?*"]}]}
 */
export function formatPolicy({ actions, resources }: Scope): string {
  const services = [...new Set(actions.map(serviceOf))];
  const Statement = services.flatMap((service): Statement[] => {
    const own = resources.filter((resource) => serviceOf(resource) === service);
    const acts = actions.filter((action) => serviceOf(action) === service);
    return [{ Effect: "Allow", Action: acts, Resource: own.map(toPattern) }, ...listStatements(acts, own)];
  });
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

function listStatements(actions: readonly string[], resources: readonly string[]): Statement[] {
  const Action = actions.includes("s3:*") ? listings : actions.filter((action) => listings.includes(action));
  if (Action.length === 0) return [];
  return resources.flatMap((resource): Statement[] => {
    const [, bucket, key] = object.exec(resource) ?? [];
    if (bucket === undefined || key === undefined) return [];
    const statement = { Effect: "Allow", Action, Resource: [bucket] } as const;
    if (key === "*") return [statement];
    return [
      { ...statement, Condition: { [key.endsWith("*") ? "StringLike" : "StringEquals"]: { "s3:prefix": [key] } } },
    ];
  });
}

function toPattern(resource: string): string {
  return resource.endsWith("*") ? `${resource.slice(0, -1)}?*` : resource;
}

function serviceOf(text: string): string {
  return text.split(":")[text.startsWith("arn:") ? 2 : 0] ?? "";
}
