import type { Scope } from "@agentkeys/core";

interface Statement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: readonly string[] } };
}

/** Actions that IAM asks of a bucket, and that a scope may mean of what is in it. Not all can be held to a prefix (`s3:prefix`). */
const listings = [
  { action: "s3:ListBucket", knowsPrefix: true },
  { action: "s3:ListBucketVersions", knowsPrefix: true },
  { action: "s3:ListBucketMultipartUploads", knowsPrefix: false },
] as const;
const object = /^(arn:[a-z-]+:s3:::[^/*]+)\/(.+)$/u;

/**
 * The session policy of a scope: what it allows is within the scope. Each action goes with the resources of its own service. IAM's `*`
 * also stands for nothing where a grant's does not, so it is written `?*`. Listing what is in a bucket is allowed for the prefixes of the
 * patterns among the resources; for the name of one object it would show all that begin alike.
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

/** An action that lists buckets where no resource is one, or a pattern of what is in one: it would be granted in vain. */
export function findIdleListing({ actions, resources }: Scope): string | undefined {
  const own = resources.filter((resource) => serviceOf(resource) === "s3");
  return actions.find((asked) => {
    const listing = listings.find(({ action }) => action === asked);
    return (
      listing !== undefined && !own.some((one) => !object.test(one) || isListable(keyOf(one), listing.knowsPrefix))
    );
  });
}

function listStatements(actions: readonly string[], resources: readonly string[]): Statement[] {
  const asked = listings.filter(({ action }) => actions.includes("s3:*") || actions.includes(action));
  return resources.flatMap((resource): Statement[] => {
    const [, bucket, key] = object.exec(resource) ?? [];
    if (bucket === undefined || key === undefined) return [];
    const Action = asked.filter(({ knowsPrefix }) => isListable(key, knowsPrefix)).map(({ action }) => action);
    if (Action.length === 0) return [];
    const statement = { Effect: "Allow", Action, Resource: [bucket] } as const;
    return [key === "*" ? statement : { ...statement, Condition: { StringLike: { "s3:prefix": [key] } } }];
  });
}

/** All that is in the bucket, or a prefix that the listing can be held to. */
function isListable(key: string, knowsPrefix: boolean): boolean {
  return key === "*" || (knowsPrefix && key.endsWith("*"));
}

function keyOf(resource: string): string {
  return object.exec(resource)?.[2] ?? "";
}

function toPattern(resource: string): string {
  return resource.endsWith("*") ? `${resource.slice(0, -1)}?*` : resource;
}

function serviceOf(text: string): string {
  return text.split(":")[text.startsWith("arn:") ? 2 : 0] ?? "";
}
