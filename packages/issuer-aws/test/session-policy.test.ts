import { isAgentKeysError, isWithin, parseScope, type Scope } from "@agentkeys/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAwsScope } from "../src/aws-scope.ts";
import { parseRole } from "../src/role.ts";
import { formatPolicy } from "../src/session-policy.ts";
import { allows, type AwsRequest } from "./support/policy-reader.ts";
import { roleArn, scopeText } from "./support/open-issuer.ts";

const role = parseRole(roleArn)!;
const s3 = (path: string): string => `arn:aws:s3:::${path}`;
const policyOf = (actions: string[], resources: string[]): string => formatPolicy(parseScope({ actions, resources }));

describe("a session policy", () => {
  const policy = policyOf(["s3:GetObject", "s3:ListBucket"], [s3("reports/2026/*"), s3("reports/index")]);
  it.each([
    ["an object under the prefix", { action: "s3:GetObject", resource: s3("reports/2026/a/b") }],
    ["an object by its name", { action: "s3:GetObject", resource: s3("reports/index") }],
    ["the list under the prefix", { action: "s3:ListBucket", resource: s3("reports"), prefix: "2026/" }],
    ["the list deeper", { action: "s3:ListBucket", resource: s3("reports"), prefix: "2026/a" }],
  ])("allows %s", (_what, request) => expect(allows(policy, request)).toBe(true));
  it.each([
    ["the prefix itself", { action: "s3:GetObject", resource: s3("reports/2026/") }],
    ["an object beside it", { action: "s3:GetObject", resource: s3("reports/2025/a") }],
    ["a name that begins alike", { action: "s3:GetObject", resource: s3("reports/index2") }],
    ["another bucket", { action: "s3:GetObject", resource: s3("other/2026/a") }],
    ["another action", { action: "s3:PutObject", resource: s3("reports/2026/a") }],
    ["the list of the whole bucket", { action: "s3:ListBucket", resource: s3("reports") }],
    ["the list of no prefix", { action: "s3:ListBucket", resource: s3("reports"), prefix: "" }],
    ["the list of a shorter prefix", { action: "s3:ListBucket", resource: s3("reports"), prefix: "202" }],
    ["the list of what begins like a name", { action: "s3:ListBucket", resource: s3("reports"), prefix: "index" }],
    ["the list beside it", { action: "s3:ListBucket", resource: s3("reports"), prefix: "2025/" }],
  ])("does not allow %s", (_what, request) => expect(allows(policy, request)).toBe(false));

  it("of a bucket's name is for the bucket, of all in it for its whole list", () => {
    const list = { action: "s3:ListBucket", resource: s3("reports") };
    expect(allows(policyOf(["s3:ListBucket"], [s3("reports")]), list)).toBe(true);
    expect(allows(policyOf(["s3:*"], [s3("reports/*")]), { ...list, prefix: "any" })).toBe(true);
    expect(allows(policyOf(["s3:GetObject"], [s3("reports/*")]), list)).toBe(false);
  });

  it("has the uploads under way of a whole bucket alone: they cannot be held to a prefix", () => {
    const uploads = { action: "s3:ListBucketMultipartUploads", resource: s3("reports"), prefix: "2026/" };
    expect(allows(policyOf(["s3:*"], [s3("reports/*")]), uploads)).toBe(true);
    expect(allows(policyOf(["s3:*"], [s3("reports/2026/*")]), uploads)).toBe(false);
  });

  it("keeps services apart", () => {
    const queue = "arn:aws:sqs:eu-central-1:123456789012:jobs";
    const both = policyOf(["s3:*", "sqs:SendMessage"], [s3("reports/*"), queue]);
    expect(allows(both, { action: "sqs:SendMessage", resource: queue })).toBe(true);
    expect(allows(both, { action: "sqs:DeleteQueue", resource: queue })).toBe(false);
  });
});

// Few letters, so that requests and scopes meet.
const part = fc.stringMatching(/^[ab]{1,2}$/u);
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const resource = fc.oneof(
  path.map(s3),
  path.map((one) => s3(`${one}/*`)),
  part.map((one) => `arn:aws:sqs:eu-central-1:123456789012:${one}`),
  fc.constant("arn:aws:sqs:eu-central-1:123456789012:*"),
);
const action = fc.constantFrom(
  "s3:GetObject",
  "s3:ListBucket",
  "s3:ListBucketMultipartUploads",
  "s3:*",
  "sqs:SendMessage",
  "sqs:*",
);
const scopes: fc.Arbitrary<Scope> = fc
  .record({ actions: fc.uniqueArray(action, { minLength: 1 }), resources: fc.uniqueArray(resource, { minLength: 1 }) })
  .map(parseScope);

const isListing = (name: string): boolean => name.startsWith("s3:ListBucket");

/** What a request opens, in words of a scope: a list shows every name that begins with its prefix. */
function opens({ action: act, resource: name, prefix = "" }: AwsRequest): readonly Scope[] {
  if (!isListing(act)) return [{ actions: [act], resources: [name] }];
  // The prefix of a pattern is no object of its own; any other may be one.
  const isOne = prefix !== "" && !prefix.endsWith("/");
  return (isOne ? ["", "x", "/x"] : ["x"]).map((more) => ({ actions: [act], resources: [`${name}/${prefix}${more}`] }));
}

it("allows nothing that is not within the scope, and all that is but lists", () => {
  const request = fc.record(
    {
      action: fc.constantFrom(
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "sqs:SendMessage",
        "sqs:DeleteQueue",
      ),
      resource: fc
        .oneof(
          resource,
          path.map((one) => s3(`${one}/`)),
          part.map(s3),
        )
        .map((one) => one.replaceAll("*", "x")),
      prefix: fc.oneof(
        path,
        path.map((one) => `${one}/`),
        fc.constant(""),
      ),
    },
    { requiredKeys: ["action", "resource"] },
  );
  const isExact = (scope: Scope, asked: AwsRequest): boolean => {
    if (!allows(formatPolicy(scope), asked)) return isListing(asked.action) || !isServed(asked, scope);
    const isBucketGranted = isWithin({ actions: [asked.action], resources: [asked.resource] }, scope);
    return isBucketGranted || opens(asked).every((one) => isWithin(one, scope));
  };
  const counted = { allowed: 0 };
  fc.assert(
    fc.property(scopes, request, (scope, asked) => {
      counted.allowed += allows(formatPolicy(scope), asked) ? 1 : 0;
      return isExact(scope, asked);
    }),
    { numRuns: 10_000 },
  );
  expect(counted.allowed).toBeGreaterThan(300);
});

/** Within the scope, by an action and a resource of one service. */
function isServed({ action: act, resource: name }: AwsRequest, scope: Scope): boolean {
  return act.split(":")[0] === name.split(":")[2] && isWithin({ actions: [act], resources: [name] }, scope);
}

it("is written for every scope that is taken, and fits", () => {
  const lengthOf = (scope: Scope): number => {
    try {
      return formatPolicy(parseAwsScope(scopeText(scope.actions, scope.resources), role)).length;
    } catch (error) {
      return isAgentKeysError(error, "ERR_GRANT_SCOPE") ? 0 : Infinity;
    }
  };
  fc.assert(
    fc.property(scopes, (scope) => {
      expect(lengthOf(scope)).toBeLessThanOrEqual(2048);
    }),
  );
});
