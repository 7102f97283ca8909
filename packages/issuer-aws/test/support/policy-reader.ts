// What a session policy of ours allows, read as IAM does.
interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: readonly string[] } };
}

/** A request as IAM sees it; `prefix` is s3:prefix, where the request has one. */
export interface AwsRequest {
  readonly action: string;
  readonly resource: string;
  readonly prefix?: string;
}

const statementsOf = (policy: string): readonly Statement[] =>
  (JSON.parse(policy) as { readonly Statement: readonly Statement[] }).Statement;

/** True where the policy allows the request: `*` stands for any characters and none, `?` for one, actions in any case. */
export function allows(policy: string, { action, resource, prefix }: AwsRequest): boolean {
  return statementsOf(policy).some(
    ({ Effect, Action, Resource, Condition = {} }) =>
      Effect === "Allow" &&
      Action.some((one) => matches(one.toLowerCase(), action.toLowerCase())) &&
      Resource.some((one) => matches(one, resource)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(
          ([key, values]) =>
            key === "s3:prefix" &&
            prefix !== undefined &&
            values.some((value) => (operator === "StringLike" ? matches(value, prefix) : value === prefix)),
        ),
      ),
  );
}

/** The scope that a policy opens, in words of core's scope. */
export function scopeOf(policy: string): { readonly actions: string[]; readonly resources: string[] } {
  const all = statementsOf(policy);
  const resources = all.flatMap(({ Resource, Condition }) => {
    const prefixes = Object.values(Condition ?? {}).flatMap((keys) => keys["s3:prefix"] ?? []);
    const names = Resource.map((one) => one.replace(/\?\*$/u, "*"));
    return prefixes.length === 0 ? names : names.flatMap((bucket) => prefixes.map((prefix) => `${bucket}/${prefix}`));
  });
  return { actions: all.flatMap(({ Action }) => Action), resources };
}

function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/gu, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su").test(text);
}
